package spec

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Key is the identity of a task: two specs with the same Key are a mistake.
type Key struct {
	ProjectID string `json:"project_id"`
	TaskID    string `json:"task_id"`
}

// String returns "projectId/taskId".
func (k Key) String() string { return k.ProjectID + "/" + k.TaskID }

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

// String returns "file:line:column".
func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// Commit is one commit spec: the version a task should be at. Fields that the
// spec does not give are zero and are not sent.
type Commit struct {
	Key
	CommitType      CommitType
	TaskType        TaskType
	InstanceVersion int64 // from 1; 0 if the spec has none
	VersionDesc     string
	EventDesc       string
	ExtConfig       []Param // in the spec's order, names unique
	DependsOn       []Key
	DiscardState    int64  // equals InstanceVersion when CommitType is RestartDiscardState
	Rerun           string // a free token; another token asks for another commit
	Suspend         bool

	Pos Pos // where the spec stands
}

// Digest is a SHA-256 over some part of a commit.
type Digest [sha256.Size]byte

// IsZero reports whether d was never computed.
func (d Digest) IsZero() bool { return d == Digest{} }

// String returns the digest in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText writes the digest in hexadecimal, a zero digest as nothing.
func (d Digest) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what MarshalText wrote.
func (d *Digest) UnmarshalText(text []byte) error {
	*d = Digest{}
	if len(text) == 0 {
		return nil
	}
	if len(text) != hex.EncodedLen(len(d)) {
		return fmt.Errorf("read digest: %d characters, want %d", len(text), hex.EncodedLen(len(d)))
	}
	if _, err := hex.Decode(d[:], text); err != nil {
		return fmt.Errorf("read digest: %w", err)
	}
	return nil
}

// Content digests what the task would do: commit type, task type and extConfig,
// with the API's defaults filled in and extConfig in order of name, so that two
// ways to write the same thing have one digest.
func (c *Commit) Content() Digest {
	var h hasher
	h.number(int64(c.CommitType))
	h.number(int64(c.TaskType.OrDefault()))
	h.params(c.ExtConfig)
	return h.sum()
}

// ExtDigest digests extConfig alone, in order of name.
func (c *Commit) ExtDigest() Digest {
	var h hasher
	h.params(c.ExtConfig)
	return h.sum()
}

// Wanted digests all that a person can change in the spec to ask for something
// else: it is what a refusal or an approval is remembered for. Where the spec
// stands in its file, and whether it is suspended, are not part of it.
func (c *Commit) Wanted() Digest {
	var h hasher
	h.text(c.ProjectID)
	h.text(c.TaskID)
	h.number(int64(c.CommitType))
	h.number(int64(c.TaskType))
	h.number(c.InstanceVersion)
	h.text(c.VersionDesc)
	h.text(c.EventDesc)
	h.params(c.ExtConfig)
	h.text(c.Rerun)
	return h.sum()
}

// Request digests the request this commit would send, field for field.
func (c *Commit) Request() Digest {
	var h hasher
	h.text(c.ProjectID)
	h.text(c.TaskID)
	h.number(int64(c.CommitType))
	h.number(int64(c.TaskType))
	h.number(c.InstanceVersion)
	h.text(c.VersionDesc)
	h.text(c.EventDesc)
	h.number(int64(len(c.ExtConfig)))
	for _, p := range c.ExtConfig {
		h.text(p.Name)
		h.text(p.Value)
	}
	return h.sum()
}

// hasher writes values with their lengths, so that no two lists of values
// have the same bytes.
type hasher struct{ buf []byte }

func (h *hasher) number(n int64) { h.buf = binary.AppendVarint(h.buf, n) }

func (h *hasher) text(s string) {
	h.buf = binary.AppendUvarint(h.buf, uint64(len(s)))
	h.buf = append(h.buf, s...)
}

func (h *hasher) params(params []Param) {
	sorted := slices.SortedFunc(slices.Values(params), func(a, b Param) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	h.number(int64(len(sorted)))
	for _, p := range sorted {
		h.text(p.Name)
		h.text(p.Value)
	}
}

func (h *hasher) sum() Digest { return sha256.Sum256(h.buf) }
