package sqlstore

import (
	"errors"
	"strconv"
	"strings"
)

// The rows of all tasks are read as one text each: to read a column costs the driver
// as much as to take it from a text ten times. The text has the numbers of a row, the
// sizes of its texts in bytes, and then the texts one after the other.

// packedNumbers and packedTexts are the columns in the order in which unpackTask takes
// them.
var (
	packedNumbers = []string{"instance_version", "applied_at", "since", "next_at", "event", "applied_ns", "task_type", "row_crc"}
	packedTexts   = []string{
		"project_id", "task_id", "status", "commit_type", "applied", "attempt", "suspended", "removed",
		"version_desc", "event_desc", "content", "ext_config", "revision", "request_id", "operate_id", "origin",
	}
)

// selectPackedTasks returns the query for a database of the schema.
func selectPackedTasks(schema int64) string {
	head := columnsIn(schema, packedNumbers)
	texts := columnsIn(schema, packedTexts)
	for _, text := range texts {
		head = append(head, "octet_length("+text+")")
	}
	return "SELECT concat_ws(' ', " + strings.Join(head, ", ") + ") || ' ' || concat(" + strings.Join(texts, ", ") + ") FROM tasks ORDER BY project_id, task_id"
}

// packedTaskScanner returns what reads the rows of selectPackedTasks.
func packedTaskScanner(schema int64) func(scanner) (taskRow, error) {
	var text string // of one row after the other
	dest := []any{&text}
	return func(row scanner) (taskRow, error) {
		if err := row.Scan(dest...); err != nil {
			return taskRow{}, err
		}
		return unpackTask(text, schema)
	}
}

// errPacked says that a row is not what selectPackedTasks makes of one.
var errPacked = errors.New("its columns are not what was written")

// unpackTask reads a row. Its texts are parts of text.
func unpackTask(text string, schema int64) (taskRow, error) {
	var numbers [8]int64
	var sizes [16]int64
	rest := text
	for i := range len(numbers) + len(sizes) {
		field, after, found := strings.Cut(rest, " ")
		n, err := strconv.ParseInt(field, 10, 64)
		if !found || err != nil {
			return taskRow{}, errPacked
		}
		if rest = after; i < len(numbers) {
			numbers[i] = n
		} else {
			sizes[i-len(numbers)] = n
		}
	}
	var texts [len(sizes)]string
	for i, size := range sizes {
		if size < 0 || size > int64(len(rest)) {
			return taskRow{}, errPacked
		}
		texts[i], rest = rest[:size], rest[size:]
	}
	if rest != "" {
		return taskRow{}, errPacked
	}
	t := taskRow{
		version: numbers[0], appliedAt: numbers[1], since: numbers[2], nextAt: numbers[3],
		event: numbers[4], nanos: numbers[5], taskType: numbers[6], crc: numbers[7],
		status: texts[2], commitType: texts[3], applied: texts[4], attempt: texts[5], suspended: texts[6], removed: texts[7],
		versionDesc: texts[8], eventDesc: texts[9], content: texts[10], ext: texts[11],
		revision: texts[12], requestID: texts[13], operateID: texts[14], origin: texts[15],
		schema: schema,
	}
	t.key.ProjectID, t.key.TaskID = texts[0], texts[1]
	return t, nil
}
