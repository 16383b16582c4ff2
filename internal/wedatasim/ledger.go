package wedatasim

import (
	"encoding/json"
	"slices"
	"time"
)

// maxLedger bounds the entries in memory; the older half goes when it is reached.
const maxLedger = 1 << 18

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

// Ledger returns every request, in the order in which they left the client; of more than 262,144 the oldest go.
func (s *Server) Ledger() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ledger)
}

// Applied returns the commits of the task that took effect, in the order in which
// they did.
func (s *Server) Applied(projectID, taskID string) []Entry {
	var applied []Entry
	for _, e := range s.Ledger() {
		if e.Applied && e.ProjectID == projectID && e.TaskID == taskID {
			applied = append(applied, e)
		}
	}
	slices.SortFunc(applied, func(a, b Entry) int { return int(a.Sequence - b.Sequence) })
	return applied
}

// arrive opens the entry of a request and returns its number. s.mu is held.
func (s *Server) arrive(e Entry) int {
	if len(s.ledger) == maxLedger {
		s.ledger = slices.Delete(s.ledger, 0, maxLedger/2)
		s.dropped += maxLedger / 2
	}
	e.N = s.dropped + len(s.ledger) + 1
	s.ledger = append(s.ledger, e)
	return e.N
}

// entry returns the entry with the number, or one that nobody reads if it is gone.
// s.mu is held.
func (s *Server) entry(n int) *Entry {
	if i := n - 1 - s.dropped; i >= 0 {
		return &s.ledger[i]
	}
	return new(Entry)
}

// write appends the entry to Options.Ledger. s.mu is held.
func (s *Server) write(n int) {
	if s.opts.Ledger == nil {
		return
	}
	line, err := json.Marshal(s.entry(n))
	if err == nil {
		_, err = s.opts.Ledger.Write(append(line, '\n'))
	}
	if err != nil {
		s.opts.Logger.Error("write ledger", "error", err)
	}
}
