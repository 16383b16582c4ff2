package status

import (
	"os"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// maxListed bounds each list of a Status.
const maxListed = 100

// Status is the condition of a daemon at one moment.
type Status struct {
	Version string    `json:"version"`
	PID     int       `json:"pid,omitempty"` // of the daemon's process
	At      time.Time `json:"at"`
	// Serial is that of the state, of a program that has ended.
	Serial int64 `json:"serial,omitempty"`
	// Ended says that the program has ended since: a daemon that was stopped, or run --once.
	Ended    bool             `json:"ended,omitempty"`
	Hangs    bool             `json:"hangs,omitempty"`   // the daemon does not go on, and has to be restarted
	Ready    bool             `json:"ready"`             // nobody has to act
	InSync   bool             `json:"in_sync"`           // every task matches its spec
	Outcome  explain.Outcome  `json:"outcome,omitempty"` // how far the newest revision is; empty before the first plan
	Reasons  []explain.Reason `json:"reasons"`
	Interval int64            `json:"interval_ms,omitempty"` // between two polls

	Source    Source            `json:"source"`
	State     Health            `json:"state"`
	Reloads   Reloads           `json:"reloads"`
	Revision  *Revision         `json:"revision"`                   // null before the first plan
	Applied   string            `json:"applied_revision,omitempty"` // the newest that no guard held
	Plan      *Plan             `json:"plan"`                       // null before the first
	Pass      *Pass             `json:"pass"`                       // null while no calls are made
	LastPass  *LastPass         `json:"last_pass"`
	Pauses    []state.Pause     `json:"pauses"`
	Approvals []Approval        `json:"approvals"`
	Suspended *state.Suspension `json:"suspended"`
	Drift     *state.DriftScan  `json:"drift"` // null before the first drift check; at most 100 tasks
	InFlight  []Key             `json:"in_flight"`
	Open      []Task            `json:"open"` // tasks that are not in sync, at most 100
	Calls     []Call            `json:"calls"`
}

// Health is how something that can fail has gone lately.
type Health struct {
	LastAttempt time.Time `json:"last_attempt,omitzero"`
	LastSuccess time.Time `json:"last_success,omitzero"`
	Error       string    `json:"error,omitempty"`
}

// Reloads are the results of the last reloads from disk.
type Reloads struct {
	Configuration Health `json:"configuration"`
	Credentials   Health `json:"credentials"`
}

// Source is where the specs come from, and how the polls of it went.
type Source struct {
	URL    string `json:"url"`
	Branch string `json:"branch"`
	Health
}

// Revision is a revision of the source.
type Revision struct {
	ID      string    `json:"id"`
	Author  string    `json:"author,omitempty"`
	Subject string    `json:"subject,omitempty"`
	SeenAt  time.Time `json:"seen_at,omitzero"`
}

// Plan is a plan, counted.
type Plan struct {
	Hash      string                `json:"hash"`
	Approved  string                `json:"approved_by,omitempty"`
	Specs     int                   `json:"specs"`
	Managed   int                   `json:"managed"`
	Errors    int                   `json:"errors"`
	Warnings  int                   `json:"warnings"`
	Tasks     int                   `json:"tasks"` // that are managed, or that a spec names
	Held      int                   `json:"held"`  // changes that guards of the whole plan hold
	States    map[explain.State]int `json:"states"`
	Standings map[explain.State]int `json:"standings"` // States, by its name of before; goes with 2.0
	Holds     []Hold                `json:"holds"`
	Invalid   []Invalid             `json:"invalid"` // the first errors in specs, at most 100
}

// Hold is a guard that holds a whole plan.
type Hold struct {
	Guard      string `json:"guard"`
	Message    string `json:"message"`
	Approvable bool   `json:"approvable"`
	Command    string `json:"command,omitempty"` // that lets the plan pass
}

// Invalid is an error in a spec.
type Invalid struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

// Pass is how far the calls of a pass are.
type Pass struct {
	StartedAt time.Time `json:"started_at"`
	Calls     int       `json:"calls"`
	Done      int       `json:"done"`
	LeftMS    int64     `json:"left_ms"`
}

// LastPass is what the last pass came to.
type LastPass struct {
	At         time.Time `json:"at"`
	TookMS     int64     `json:"took_ms"`
	Applied    int       `json:"applied"`
	Forgotten  int       `json:"forgotten"`
	Returned   int       `json:"returned"`
	Superseded bool      `json:"superseded"`
}

// Approval is what an operator has approved.
type Approval struct {
	PlanHash string    `json:"plan_hash"`
	Guards   []string  `json:"guards"`
	Left     int       `json:"left"`
	Used     int       `json:"used"`
	Actor    string    `json:"actor"`
	At       time.Time `json:"at"`
	Expires  time.Time `json:"expires"`
}

// Key names a task.
type Key struct {
	spec.Key
	Name string `json:"name,omitempty"` // what people call it
}

// Task is a task that is not in sync.
type Task struct {
	Key
	State    explain.State `json:"state"`
	Standing explain.State `json:"standing"` // State, by its name of before; goes with 2.0
	Why      string        `json:"why"`
	Next     string        `json:"next_step,omitempty"` // what an operator can do
	Commands []string      `json:"commands,omitempty"`
}

// Call is one request and what it came to.
type Call struct {
	At time.Time `json:"at"`
	Key
	Commit string `json:"commit,omitempty"`
	state.Outcome
}

// Of returns the condition that the snapshot shows.
func Of(version string, s *snapshot.Snapshot) *Status {
	c := &s.Status.Control
	j := &Status{
		Version:   version,
		PID:       os.Getpid(),
		At:        s.Now,
		Interval:  s.Interval.Milliseconds(),
		Applied:   c.Revision,
		Hangs:     s.Hangs,
		Reasons:   emptyNotNil(s.Reasons()),
		InSync:    s.InSync(),
		Source:    Source{s.Plan().Source.URL, s.Plan().Source.Branch, healthOf(s.Status.Source)},
		State:     healthOf(s.Status.Store),
		Reloads:   Reloads{healthOf(s.Reloads.Configuration), healthOf(s.Reloads.Credentials)},
		Pauses:    emptyNotNil(s.Pauses()),
		Approvals: []Approval{},
		InFlight:  []Key{},
		Open:      []Task{},
		Calls:     []Call{},
	}
	j.Ready = len(j.Reasons) == 0
	for _, key := range s.Status.InFlight[:min(len(s.Status.InFlight), maxListed)] {
		j.InFlight = append(j.InFlight, keyOf(s, key))
	}
	if seen := s.Status.DriftScan; seen != nil {
		j.Drift = new(*seen)
		j.Drift.Drifted = seen.Drifted[:min(len(seen.Drifted), maxListed)]
	}
	if c.Suspended.Active(s.Now) {
		j.Suspended = c.Suspended
	}
	for _, a := range c.Approvals {
		j.Approvals = append(j.Approvals, Approval{a.PlanHash, append([]string{}, a.Guards...), len(a.Calls), a.Used, a.Actor, a.At, a.Expires})
	}
	if s.Status.Plan != nil {
		from := s.Plan().Source
		j.Revision = &Revision{from.Revision, from.Author, from.Subject, s.Activity.RevisionSeen}
		j.Plan = planOf(s)
		j.Open = openTasks(s, maxListed)
		j.Outcome = s.Digest.Outcome()
	}
	if p, ok := s.Progress(); ok {
		j.Pass = &Pass{s.Activity.PassStarted, p.Calls, p.Done, p.Left.Milliseconds()}
	}
	if last := s.Activity.LastPass; !last.At.IsZero() {
		j.LastPass = &LastPass{last.At, last.Took.Milliseconds(), last.Applied, last.Forgotten, last.Returned, last.Superseded}
	}
	for _, c := range s.Activity.Calls {
		j.Calls = append(j.Calls, Call{c.At, keyOf(s, c.Key), c.Commit, c.Outcome})
	}
	return j
}

func keyOf(s *snapshot.Snapshot, key spec.Key) Key { return Key{key, s.Name(key, nil)} }

func emptyNotNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func healthOf(h reconcile.Health) Health {
	j := Health{LastAttempt: h.At, LastSuccess: h.OK}
	if h.Err != nil {
		j.Error = snapshot.ErrorText(h.Err)
	}
	return j
}

func planOf(s *snapshot.Snapshot) *Plan {
	p := s.Plan()
	j := &Plan{
		Hash: p.Hash, Approved: p.Approved, Specs: p.Specs, Managed: p.Managed,
		Errors: s.Digest.Errors, Warnings: s.Digest.Warnings,
		Tasks: s.Digest.Tasks(), Held: s.Digest.HeldWithPlan(), States: map[explain.State]int{}, Holds: []Hold{}, Invalid: []Invalid{},
	}
	for _, i := range explain.States() {
		j.States[i.State] = s.Count(i.State)
	}
	j.Standings = j.States
	for _, h := range p.Holds {
		hold := Hold{Guard: h.Guard, Message: h.Message, Approvable: h.Approvable}
		if h.Approvable {
			hold.Command = explain.ApproveCommand(p)
		}
		j.Holds = append(j.Holds, hold)
	}
	for _, p := range s.Digest.Invalid() {
		if len(j.Invalid) < maxListed {
			j.Invalid = append(j.Invalid, Invalid{p.File, p.Line, p.Column, text.Visible(p.Message)})
		}
	}
	return j
}

// openTasks lists tasks that are not in sync, those that require action first.
func openTasks(s *snapshot.Snapshot, most int) []Task {
	list := []Task{}
	add := func(st explain.State, key spec.Key, c *plan.Change, rec *state.Record) {
		if len(list) < most {
			list = append(list, Task{keyOf(s, key), st, st, s.Why(st, key, c, rec), s.Step(st, key, c, rec), s.Commands(st, key, c, rec)})
		}
	}
	for _, i := range explain.States() {
		if i.Tone == explain.ToneOK || i.Tone == explain.ToneBusy {
			continue
		}
		for _, c := range s.Changes(i.State, most-len(list)) {
			_, rec := s.Task(c.Key, c)
			add(i.State, c.Key, c, rec)
		}
		for _, key := range s.Digest.Others(i.State) {
			add(i.State, key, nil, nil)
		}
	}
	return list
}
