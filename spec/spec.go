package spec

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wedatasync/wedatasync/internal/text"
)

// Key is the identity of a task: two specs with the same Key are a mistake.
type Key struct {
	ProjectID string `json:"project_id"`
	TaskID    string `json:"task_id"`
}

// String returns "projectId/taskId".
func (k Key) String() string { return k.ProjectID + "/" + k.TaskID }

// Named returns what people call the task, and "projectId/taskId"; without a name only that.
func (k Key) Named(name string) string {
	if name == "" {
		return k.String()
	}
	return name + " (" + k.String() + ")"
}

// ShellWord returns "projectId/taskId" as one word of a POSIX shell, for a command
// that a person is to copy: an id may have characters in it that mean something
// there.
func (k Key) ShellWord() string { return text.ShellWord(k.String()) }

// Compare orders keys by project, then by task.
func (k Key) Compare(other Key) int {
	return cmp.Or(strings.Compare(k.ProjectID, other.ProjectID), strings.Compare(k.TaskID, other.TaskID))
}

// CommitType is the API's CommitType: where the task ends up, and how it gets there.
type CommitType int

// The commit types of the API document.
const (
	Submit              CommitType = 0 // submits the version only
	Start               CommitType = 1 // starts immediately
	RestartDiscardState CommitType = 2 // stops, discards the state, starts again
	PauseResume         CommitType = 3 // pauses, keeps the state, continues
	Resume              CommitType = 4 // keeps the state, continues
)

var commitTypeNames = [...]string{"submit", "start", "restart-discard-state", "pause-resume", "resume"}

// String returns the name that specs use.
func (t CommitType) String() string {
	if t < 0 || int(t) >= len(commitTypeNames) {
		return "commitType(" + strconv.Itoa(int(t)) + ")"
	}
	return commitTypeNames[t]
}

// ParseCommitType reads a name or the API's number.
func ParseCommitType(s string) (CommitType, bool) {
	for i, name := range commitTypeNames {
		if s == name || s == strconv.Itoa(i) {
			return CommitType(i), true
		}
	}
	return 0, false
}

// Runs reports whether a task committed with this type ends up running.
func (t CommitType) Runs() bool { return t != Submit }

// TaskType is the API's TaskType. Zero means that the spec does not say: the
// field is not sent, and the API takes [Realtime].
type TaskType int

// The documented task types.
const (
	Realtime TaskType = 201
	Offline  TaskType = 202
)

// String returns the name that specs use, or the number of an undocumented type.
func (t TaskType) String() string {
	switch t {
	case Realtime:
		return "realtime"
	case Offline:
		return "offline"
	default:
		return strconv.Itoa(int(t))
	}
}

// OrDefault returns t, or what the API takes when it is not sent.
func (t TaskType) OrDefault() TaskType { return cmp.Or(t, Realtime) }

// Param is one entry of extConfig.
type Param struct {
	Name  string
	Value string
}

// Pos is a place in a spec file; Line and Column count from 1.
type Pos struct {
	File   string
	Line   int
	Column int
}

// String returns "file:line:column", printable whatever the file is called.
func (p Pos) String() string { return p.at(text.Printable(p.File)) }

// short is String with the front of a very long file name left out.
func (p Pos) short() string {
	name := text.Printable(p.File)
	if cut := len(name) - maxName; cut > 0 {
		for cut < len(name) && !utf8.RuneStart(name[cut]) {
			cut++
		}
		name = "…" + name[cut:]
	}
	return p.at(name)
}

func (p Pos) at(name string) string {
	return name + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column)
}

func (p Pos) compare(other Pos) int {
	return cmp.Or(
		strings.Compare(p.File, other.File),
		cmp.Compare(p.Line, other.Line),
		cmp.Compare(p.Column, other.Column),
	)
}

// Commit is one commit spec: the version a task should be at. Fields that the
// spec does not give are zero and are not sent.
type Commit struct {
	Key
	Name            string // what people call the task; sent nowhere, and never compared
	CommitType      CommitType
	TaskType        TaskType
	InstanceVersion int64 // from 1; 0 if the spec has none
	VersionDesc     string
	EventDesc       string
	ExtConfig       []Param // in the spec's order, names unique
	DependsOn       []Key
	DiscardState    int64  // equals InstanceVersion when CommitType is RestartDiscardState, else 0
	Rerun           string // a free token; another token asks for another commit
	Suspend         bool
	Wait            Wait // zero: it is applied, and that is all

	Pos Pos // where the spec stands
}

// Wait is what a task has to become once its commit is applied; tasks that depend on it wait
// for that. It has to run, and all that is asked for has to stay true for a while.
type Wait struct {
	Timeout        time.Duration // how long that may take; 0: nobody waits
	For            time.Duration // how long it has to stay true; 0: until it was seen twice
	Lag            time.Duration // how far it may be behind; 0: that is not asked for
	CountsRestarts bool          // its restarts count
	Restarts       int64         // how many of them are allowed
}

// equal reports whether the two say the same, wherever they stand.
func (c *Commit) equal(other *Commit) bool {
	return c == other ||
		c.Key == other.Key &&
			c.Name == other.Name &&
			c.CommitType == other.CommitType &&
			c.TaskType == other.TaskType &&
			c.InstanceVersion == other.InstanceVersion &&
			c.VersionDesc == other.VersionDesc &&
			c.EventDesc == other.EventDesc &&
			slices.Equal(c.ExtConfig, other.ExtConfig) &&
			slices.Equal(c.DependsOn, other.DependsOn) &&
			c.DiscardState == other.DiscardState &&
			c.Rerun == other.Rerun &&
			c.Suspend == other.Suspend &&
			c.Wait == other.Wait
}

// Commits are usable commits in order of key, one a task. They do not change.
type Commits []*Commit

// Find returns the commit of the task, or nil.
func (c Commits) Find(k Key) *Commit {
	i, found := slices.BinarySearchFunc(c, k, func(c *Commit, k Key) int { return c.Key.Compare(k) })
	if !found {
		return nil
	}
	return c[i]
}
