package recording

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// mask replaces what could tell whose task it is by stand-ins, the same one for the same
// value. It keeps shapes: what is null, empty, a small number, a time, or a word of the API.
type mask struct {
	standIns map[string]string
	counts   map[string]int // stand-ins so far, by kind
}

func newMask() *mask { return &mask{standIns: make(map[string]string), counts: make(map[string]int)} }

// words are the names of fields whose texts are words of the API.
var words = map[string]bool{
	"Status": true, "TaskEvent": true, "ApproveType": true, "ApproveClassification": true, "Code": true, "Direction": true,
	"InstanceStatus": true, "ChangeType": true, "ReadPhase": true, "SyncType": true, "TaskMode": true,
}

var (
	plainWord = matching(`^[\p{L}_-]{1,32}$`)
	fieldName = matching(`^[A-Za-z][A-Za-z0-9]{0,63}$`)
	moment    = matching(`^\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?)?$`)
	small     = matching(`^-?\d{1,4}$`)
	digits    = matching(`^\d+$`)
	uuid      = matching(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// matching returns what matches the expression, which is compiled when it is first needed: other
// commands need none of these.
func matching(expression string) func(string) bool {
	re := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
	return func(s string) bool { return re().MatchString(s) }
}

// filters are the names of filters, which requests have as values.
var filters = map[string]bool{"ProductionState": true, "TaskId": true, "CreateTime": true}

// object masks the values of an object.
func (m *mask) object(v map[string]any) map[string]any {
	masked := make(map[string]any, len(v))
	for name, value := range v {
		if !fieldName(name) {
			name = m.standIn("name", name)
		}
		masked[name] = m.value(name, value)
	}
	return masked
}

// value masks the value of a field.
func (m *mask) value(field string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		return m.object(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = m.value(field, v[i])
		}
		return list
	case string:
		return m.text(field, v)
	case json.Number:
		return m.number(field, v)
	default:
		return v // null, true or false
	}
}

// text masks a text.
func (m *mask) text(field, s string) string {
	identifies := strings.HasSuffix(field, "Id") || strings.HasSuffix(field, "Uin") || field == "Values"
	switch {
	case s == "" || s == "null" || s == "true" || s == "false" || s == "task" || small(s) && !identifies || moment(s):
		return s
	case words[field] && (plainWord(s) || field == "Code" && !strings.ContainsAny(s, " @")):
		return s
	case field == "Name" && filters[s]:
		return s
	case digits(s):
		return m.standIn(fmt.Sprintf("%d digits", len(s)), s)
	case uuid(s):
		return m.standIn("uuid", s)
	case identifies:
		return m.standIn("id", s)
	case strings.HasSuffix(field, "Name"):
		return m.standIn("name", s)
	default:
		return m.standIn("text", s)
	}
}

// number masks a number that is too large to be a status or a version.
func (m *mask) number(field string, n json.Number) json.Number {
	s := n.String()
	if len(s) <= 6 || strings.HasSuffix(field, "Timestamp") || !digits(s) {
		return n
	}
	return json.Number(m.standIn(fmt.Sprintf("%d digits", len(s)), s))
}

// standIn returns what stands for a value.
func (m *mask) standIn(kind, s string) string {
	if known, ok := m.standIns[s]; ok {
		return known
	}
	m.counts[kind]++
	n := m.counts[kind]
	stand := fmt.Sprintf("%s-%d", kind, n)
	switch {
	case kind == "uuid":
		stand = fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
	case strings.HasSuffix(kind, "digits"):
		stand = fmt.Sprintf("9%0*d", len(s)-1, n)
	}
	m.standIns[s] = stand
	return stand
}
