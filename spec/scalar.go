package spec

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"gopkg.in/yaml.v3"

	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/spec/internal/duration"
	"github.com/wedatasync/wedatasync/spec/internal/plain"
)

const (
	maxVersion  = 1<<53 - 1 // what every JSON reader can hold
	maxTaskType = 999_999_999
)

// taskID reads a task's id, or reports why it is none and returns nothing.
func (r *nodeReader) taskID(n *yaml.Node) string { return r.id(n, "taskId", MaxID) }

// projectID reads a project's id, which dependsOn must be able to tell from the
// task's.
func (r *nodeReader) projectID(n *yaml.Node) string {
	id := r.id(n, "projectId", MaxID)
	if strings.Contains(id, "/") {
		r.errorf(n, "bad-id", "projectId %s has a slash: correct it", quote(id))
		return ""
	}
	return id
}

// id reads an identifier as it is written, quoted or not: at most limit characters that can be
// seen and told apart.
func (r *nodeReader) id(n *yaml.Node, what string, limit int) string {
	if !r.isScalar(n, what) {
		return ""
	}
	id := n.Value
	switch c, bad := firstFunc(id, notInID); {
	case n.Tag == "!!bool":
		r.errorf(n, "bad-id", "%s must be an id, not %s: correct it, or quote it", what, id)
	case id == "":
		r.errorf(n, "bad-id", "%s is empty: write the id", what)
	case isLonger(id, limit):
		r.errorf(n, "bad-id", "%s is %d characters long, at most %d are allowed: correct it", what, utf8.RuneCountInString(id), limit)
	case bad && unicode.IsSpace(c):
		r.errorf(n, "bad-id", "%s %s has a space (%s): ids have none; remove it", what, quote(id), runeName(c))
	case bad:
		r.errorf(n, "bad-id", "%s %s has a character that cannot be seen (%s): remove it", what, quote(id), runeName(c))
	case !norm.NFC.IsNormalString(id):
		r.errorf(n, "bad-id", "%s %s has letters with separate accents, which appear the same as others: write it in normal form (NFC)", what, quote(id))
	default:
		r.checkLookAlike(n, what, id)
		r.checkPlain(n, what)
		return id
	}
	return ""
}

// notInID reports whether an id must not hold the character: it cannot be seen,
// or can be overlooked.
func notInID(c rune) bool { return c == ' ' || text.Hidden(c) }

// filled is text for a value that must not be empty.
func (r *nodeReader) filled(n *yaml.Node, what string, limit int) string {
	s, ok := r.text(n, what, limit)
	if ok && s == "" {
		r.errorf(n, "empty-text", "%s is empty: write it, or leave it out", what)
	}
	return s
}

// text reads text, or any other single value as it is written.
func (r *nodeReader) text(n *yaml.Node, what string, limit int) (s string, ok bool) {
	if !r.isScalar(n, what) {
		return "", false
	}
	s = n.Value
	switch c, bad := firstFunc(s, notInText); {
	case isLonger(s, limit):
		r.errorf(n, "text-too-long", "%s is %d characters long, at most %d are allowed: shorten it", what, utf8.RuneCountInString(s), limit)
	case bad:
		r.errorf(n, "bad-text", "%s has a character that controls the screen instead of showing (%s): remove it", what, runeName(c))
	default:
		r.checkPlain(n, what)
		return s, true
	}
	return "", false
}

// isLonger reports whether s has more characters than limit. JSON Schema counts those, and
// so do people.
func isLonger(s string, limit int) bool { return len(s) > limit && utf8.RuneCountInString(s) > limit }

func notInText(c rune) bool { return c != '\n' && (isControl(c) || isBidi(c)) }

// boolean reads true or false.
func (r *nodeReader) boolean(n *yaml.Node, what string) bool {
	if !r.isScalar(n, what) {
		return false
	}
	if n.Tag != "!!bool" {
		r.errorf(n, "bad-boolean", "%s must be true or false, without quotes, not %s", what, quote(n.Value))
	}
	return strings.EqualFold(n.Value, "true")
}

// number reads a whole number from 1 to 2^53-1, or reports why it is none and
// returns 0.
func (r *nodeReader) number(n *yaml.Node, what string) int64 {
	return r.within(n, what, 1, maxVersion)
}

// within is number for one from least to most.
func (r *nodeReader) within(n *yaml.Node, what string, least, most int64) int64 {
	if !r.isScalar(n, what) {
		return 0
	}
	v, ok := decimal(n.Value)
	switch {
	case n.Style != 0 && ok:
		r.errorf(n, "bad-number", "%s must be a number: write %s without quotes", what, n.Value)
	case !ok:
		r.errorf(n, "bad-number", "%s must be a whole number in plain digits such as 12, not %s", what, quote(n.Value))
	case v < least:
		r.errorf(n, "bad-number", "%s starts from 1: leave it out if there is none", what)
	case v > most:
		r.errorf(n, "bad-number", "%s %s is too large, at most %d is allowed", what, quote(n.Value), most)
	default:
		return v
	}
	return 0
}

// decimal reads digits without a sign, a leading zero or anything else between.
// A number too large for an int64 becomes the largest one.
func decimal(s string) (v int64, ok bool) {
	if s == "" || s[0] == '0' && s != "0" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	v, _ = strconv.ParseInt(s, 10, 64) // out of range is all that can be wrong, and gives the largest
	return v, true
}

// commitType reads a commit type's name or number.
func (r *nodeReader) commitType(n *yaml.Node) (CommitType, bool) {
	if !r.isScalar(n, "commitType") {
		return 0, false
	}
	t, ok := ParseCommitType(n.Value)
	if !ok {
		r.errorf(n, "bad-commit-type", "commitType %s is unknown: %s", quote(n.Value), instead(n.Value, "the number 0 to 4", commitTypeNames[:]))
	}
	return t, ok
}

// taskType reads a task type's name or number.
func (r *nodeReader) taskType(n *yaml.Node) TaskType {
	if !r.isScalar(n, "taskType") {
		return 0
	}
	for _, t := range []TaskType{Realtime, Offline} {
		if n.Value == t.String() {
			return t
		}
	}
	names := []string{Realtime.String(), Offline.String()}
	v, ok := decimal(n.Value)
	switch {
	case !ok:
		r.errorf(n, "bad-task-type", "taskType %s is unknown: %s", quote(n.Value), instead(n.Value, "the number 201 or 202", names))
	case v == 0:
		r.errorf(n, "bad-task-type", "taskType 0 is unknown: leave it out for %s", Realtime)
	case v > maxTaskType:
		r.errorf(n, "bad-task-type", "taskType %s is too large: use %s", quote(n.Value), enumerate(names))
	case TaskType(v) != Realtime && TaskType(v) != Offline:
		r.warnf(n, "undocumented-task-type", "taskType %d is sent as it is, but WeData documents only %d (%s) and %d (%s)", v, Realtime, Realtime, Offline, Offline)
	}
	return TaskType(v)
}

// instead says what to write for an unknown name.
func instead(name, number string, names []string) string {
	if guess := text.Closest(name, names); guess != "" {
		return "did you mean " + guess + "?"
	}
	return "use " + strings.Join(names, ", ") + " or " + number
}

// firstFunc returns the first character that satisfies f.
func firstFunc(s string, f func(rune) bool) (rune, bool) {
	i := strings.IndexFunc(s, f)
	if i < 0 {
		return 0, false
	}
	c, _ := utf8.DecodeRuneInString(s[i:])
	return c, true
}

// runeName writes a character as U+200B.
func runeName(c rune) string { return fmt.Sprintf("%U", c) }

// The bounds of what a wait says, and its timeout where it does not say that.
const (
	minWait     = 10 * time.Second
	minLag      = time.Second
	maxWait     = 24 * time.Hour
	defaultWait = 10 * time.Minute
	maxRestarts = 1000
)

// waitRunning is the one status that a task is followed to.
const waitRunning = "running"

// wait reads what a task has to become after its commit, or reports why that is not said
// and returns nothing.
func (r *nodeReader) wait(n *yaml.Node) (w Wait) {
	if !r.isMapping(n, "wait") {
		return w
	}
	before := r.errors
	var status, timeout *yaml.Node
	for key, value := range r.fields(n, waitKeys[:]) {
		switch key {
		case "status":
			status = value
			if r.isScalar(value, "wait.status") && value.Value != waitRunning {
				r.errorf(value, "bad-wait-status", "wait.status must be %s, not %s: a start is followed until the task runs", waitRunning, quote(value.Value))
			}
		case "lag":
			w.Lag = r.duration(value, "wait.lag", minLag)
		case "restarts":
			w.Restarts, w.CountsRestarts = r.within(value, "wait.restarts", 0, maxRestarts), true
		case "for":
			w.For = r.duration(value, "wait.for", minWait)
		case "timeout":
			timeout = value
			w.Timeout = r.duration(value, "wait.timeout", minWait)
		}
	}
	if timeout == nil {
		w.Timeout = min(max(defaultWait, 3*w.For), maxWait)
	}
	if status == nil && !r.guessed("status") {
		r.errorf(n, "missing-key", "wait has no status: add status: %s", waitRunning)
	}
	if r.errors == before && w.For >= w.Timeout {
		r.errorf(n, "wait-for-too-long", "wait.for %s does not fit into wait.timeout %s: make the timeout longer", duration.Format(w.For), duration.Format(w.Timeout))
	}
	if r.errors > before {
		return Wait{}
	}
	return w
}

// duration reads a time such as 90s, 10m or 1h30m.
func (r *nodeReader) duration(n *yaml.Node, what string, least time.Duration) time.Duration {
	if !r.isScalar(n, what) {
		return 0
	}
	d, ok := duration.Parse(n.Value)
	switch {
	case !ok:
		r.errorf(n, "bad-timeout", "%s must be a time such as 90s, 10m or 1h30m, not %s", what, quote(n.Value))
	case d < least || d > maxWait:
		r.errorf(n, "timeout-out-of-range", "%s %s is not from %s to 24h: correct it", what, quote(n.Value), duration.Format(least))
	default:
		return d
	}
	return 0
}

// checkPlain warns of unquoted text that another program would change when it saves the
// file: as an id, that is another task.
func (r *nodeReader) checkPlain(n *yaml.Node, what string) {
	if n.Style != 0 {
		return
	}
	if kind := plain.Read(n.Value); kind != plain.Text {
		r.warnf(n, "unquoted", "%s is not quoted, and other programs read it as %s and write it in another way: put it in quotes", what, kind)
	}
}

// checkLookAlike warns of a name that can be taken for another one.
func (r *nodeReader) checkLookAlike(n *yaml.Node, what, name string) {
	if isASCII(name) {
		return
	}
	if letter, like, found := lookAlike(name); found {
		r.warnf(n, "look-alike", "%s %s has a letter (%s) that resembles %s: type it again, unless it is intended", what, quote(name), runeName(letter), like)
	}
}
