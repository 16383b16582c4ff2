package wedatasim

import (
	"encoding/json"
	"io"
	"slices"
	"time"
)

// maxEntries bounds the entries in memory; the older half goes when it is reached.
const maxEntries = 1 << 18

// Entry is one request.
type Entry struct {
	N         int       `json:"n"`  // from 1, in order of At
	At        time.Time `json:"at"` // when it left the client, by the server's clock
	Account   string    `json:"account,omitempty"`
	Region    string    `json:"region,omitempty"`
	Action    string    `json:"action"`
	ProjectID string    `json:"project_id,omitempty"`
	TaskID    string    `json:"task_id,omitempty"`
	Digest    string    `json:"digest"` // SHA-256 of the body

	// Of CommitIntegrationTask.
	CommitType      int64  `json:"commit_type"`
	InstanceVersion int64  `json:"instance_version,omitempty"`
	VersionDesc     string `json:"version_desc,omitempty"`

	RequestID string `json:"request_id"`
	// ArrivedAt is when the request reached the service: At, later for one that was
	// held up on its way, or never for one that was lost.
	ArrivedAt time.Time `json:"arrived_at,omitzero"`
	Code      string    `json:"code,omitempty"`  // of the error it was answered with, if the answer left
	Fault     int       `json:"fault,omitempty"` // the fault that met it

	// Applied says that a commit took effect, as the Sequence-th of all, at AppliedAt.
	Applied   bool      `json:"applied,omitempty"`
	Sequence  int64     `json:"sequence,omitempty"`
	AppliedAt time.Time `json:"applied_at,omitzero"`

	// ApproveID is what a commit waits for, or did, and Approval how that stands.
	ApproveID string        `json:"approve_id,omitempty"`
	Approval  ApprovalState `json:"approval,omitempty"`
}

// about notes what the call asks for.
func (e *Entry) about(c call) {
	key := c.key()
	e.ProjectID, e.TaskID = key.project, key.task
	if p, ok := c.(*commitParams); ok {
		e.CommitType, e.InstanceVersion, e.VersionDesc = p.CommitType, p.InstanceVersion, p.VersionDesc
	}
}

// requestLog is every request so far, in the order in which they left the client.
type requestLog struct {
	entries []Entry
	dropped int       // entries that are no longer there
	out     io.Writer // each entry that was decided on, as a line of JSON; may be nil
}

// add opens the entry of a request and returns its number.
func (l *requestLog) add(e Entry) int {
	if len(l.entries) == maxEntries {
		l.entries = slices.Delete(l.entries, 0, maxEntries/2)
		l.dropped += maxEntries / 2
	}
	e.N = l.dropped + len(l.entries) + 1
	l.entries = append(l.entries, e)
	return e.N
}

// entry returns the entry with the number, or one that nobody reads if it is gone.
func (l *requestLog) entry(n int) *Entry {
	if i := n - 1 - l.dropped; i >= 0 {
		return &l.entries[i]
	}
	return new(Entry)
}

// write appends the entry to out.
func (l *requestLog) write(n int) error {
	if l.out == nil {
		return nil
	}
	line, err := json.Marshal(l.entry(n))
	if err == nil {
		_, err = l.out.Write(append(line, '\n'))
	}
	return err
}

// Load is the most requests that any one second held.
type Load struct {
	Fixed   int `json:"fixed"`   // in a second of the server's clock
	Sliding int `json:"sliding"` // in any second
}

// Loads are the loads of one action.
type Loads struct {
	All      Load `json:"all"`
	Accepted Load `json:"accepted"` // without those over the limit
}

// loadOf returns the load of requests in order of time.
func loadOf(times []time.Time) Load {
	var l Load
	first, second, inSecond := 0, int64(0), 0
	for i, t := range times {
		for t.Sub(times[first]) >= time.Second {
			first++
		}
		l.Sliding = max(l.Sliding, i-first+1)
		if u := t.Unix(); u != second {
			second, inSecond = u, 0
		}
		inSecond++
		l.Fixed = max(l.Fixed, inSecond)
	}
	return l
}
