package sqlstore

import (
	"context"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/statefile"
)

// SchemaVersion is the newest schema that this version knows.
const SchemaVersion = schemaVersion

// MaxPendingCommands is how many commands may wait, KeepCommands how many are
// kept when they were answered.
const (
	MaxPendingCommands = maxPendingCommands
	KeepCommands       = keepCommands
)

// CreateNotices makes the table of notices.
const CreateNotices = createNotices

// HeadSyncEvery is how often the head is synced at most.
const HeadSyncEvery = statefile.HeadSyncEvery

// RewriteAtOnce sets how many rows a migration holds in memory.
func RewriteAtOnce(n int) { rewriteAtOnce = n }

// ReplaceFile makes data the durable content of a file.
var ReplaceFile = statefile.Replace

// WithFault returns options under which fault is called at each point of the way
// to the disk: "begin", "commit", "head-write", "head-sync" and "checkpoint". What
// it returns is what the disk is taken to have said.
func WithFault(opt Options, fault func(point string) error) Options {
	opt.fault = fault
	return opt
}

// VerifyAndRead does what Open does before it writes, and then reads.
func VerifyAndRead(ctx context.Context, path string, id state.Identity, read func(*Reader) error) error {
	fl, err := statefile.Locate(path)
	if err != nil {
		return err
	}
	h, err := fl.ReadHead()
	if err != nil {
		return err
	}
	return inspect(ctx, fl, func(r *Reader) error {
		if err := r.verify(ctx, h, id); err != nil {
			return err
		}
		return read(r)
	})
}

// HeadLine returns the content of a head file.
func HeadLine(lineage string, serial int64) string {
	return string(statefile.Head{Lineage: lineage, Serial: serial}.Line())
}

// Statements returns the statements by name.
func Statements() map[string]string {
	return map[string]string{
		"select_version": selectVersion, "select_meta": selectMeta, "insert_meta": insertMeta, "update_meta": updateMeta, "update_identity": updateIdentity,
		"select_control": selectControl, "upsert_control": upsertControl,
		"select_all_tasks": selectAllTasks, "select_task": selectTask, "select_tasks_after": selectTasksAfter, "select_tasks_of_id": selectTasksOfID, "select_tasks_of_name": selectTasksOfName, "select_tasks_in_project": selectTasksInProject,
		"select_tasks_in_projects": selectTasksInProjects, "select_tasks_by_id": selectTasksByID, "select_tasks_by_name": selectTasksByName, "select_tasks_tried": selectTasksTried, "select_task_end": selectTaskEnd, "select_trails": selectTrails, "select_loose_ends": selectLooseEnds,
		"insert_task": insertTask, "update_task": updateTask, "delete_task": deleteTask,
		"insert_event": insertEvent, "select_events": selectEvents, "select_trail": selectTrail, "select_loose": selectLoose, "select_all_events": selectAllEvents,
		"select_last_word": selectLastCommand, "count_open_words": countPendingCommands, "insert_word": insertCommand, "select_word": selectCommand,
		"select_all_words": selectAllCommands, "select_open_words": selectPendingCommands, "answer_word": updateCommand, "prune_words": pruneCommands,
		"select_notices": selectNotices, "upsert_notice": upsertNotice, "delete_notice": deleteNotice,
	}
}
