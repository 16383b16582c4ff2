package serve

import (
	"net/http"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// maxListed bounds each list of the status.
const maxListed = 100

// jsonStatus is the answer of /api/v1/status.
type jsonStatus struct {
	Version   string            `json:"version"`
	At        time.Time         `json:"at"`
	Ready     bool              `json:"ready"`
	InSync    bool              `json:"in_sync"`
	Reasons   []snapshot.Reason `json:"reasons"`
	Source    jsonSource        `json:"source"`
	State     jsonHealth        `json:"state"`
	Reloads   jsonReloads       `json:"reloads"`
	Revision  *jsonRevision     `json:"revision"` // null before the first plan
	Plan      *jsonPlan         `json:"plan"`     // null before the first
	Pass      *jsonPass         `json:"pass"`     // null while no calls are made
	LastPass  *jsonLastPass     `json:"last_pass"`
	Pauses    []state.Pause     `json:"pauses"`
	Approvals []jsonApproval    `json:"approvals"`
	Suspended *state.Suspension `json:"suspended"`
	Drift     *state.DriftScan  `json:"drift"` // null before the first look; at most 100 tasks
	InFlight  []jsonKey         `json:"in_flight"`
	Open      []jsonTask        `json:"open"` // tasks that are held, at most 100
	Calls     []jsonCall        `json:"calls"`
}

type jsonHealth struct {
	LastAttempt time.Time `json:"last_attempt,omitzero"`
	LastSuccess time.Time `json:"last_success,omitzero"`
	Error       string    `json:"error,omitempty"`
}

type jsonReloads struct {
	Configuration jsonHealth `json:"configuration"`
	Credentials   jsonHealth `json:"credentials"`
}

type jsonSource struct {
	URL    string `json:"url"`
	Branch string `json:"branch"`
	jsonHealth
}

type jsonRevision struct {
	ID      string    `json:"id"`
	Author  string    `json:"author,omitempty"`
	Subject string    `json:"subject,omitempty"`
	SeenAt  time.Time `json:"seen_at,omitzero"`
}

type jsonPlan struct {
	Hash      string                `json:"hash"`
	Approved  string                `json:"approved_by,omitempty"`
	Specs     int                   `json:"specs"`
	Managed   int                   `json:"managed"`
	Errors    int                   `json:"errors"`
	Warnings  int                   `json:"warnings"`
	Standings map[explain.State]int `json:"standings"`
	Holds     []jsonGuardHold       `json:"holds"`
}

type jsonGuardHold struct {
	Guard      string `json:"guard"`
	Message    string `json:"message"`
	Approvable bool   `json:"approvable"`
}

type jsonPass struct {
	StartedAt time.Time `json:"started_at"`
	Calls     int       `json:"calls"`
	Done      int       `json:"done"`
	LeftMS    int64     `json:"left_ms"`
}

type jsonLastPass struct {
	At         time.Time `json:"at"`
	TookMS     int64     `json:"took_ms"`
	Applied    int       `json:"applied"`
	Forgotten  int       `json:"forgotten"`
	Returned   int       `json:"returned"`
	Superseded bool      `json:"superseded"`
}

type jsonApproval struct {
	PlanHash string    `json:"plan_hash"`
	Guards   []string  `json:"guards"`
	Left     int       `json:"left"`
	Used     int       `json:"used"`
	Actor    string    `json:"actor"`
	At       time.Time `json:"at"`
	Expires  time.Time `json:"expires"`
}

// jsonKey names a task.
type jsonKey struct {
	spec.Key
	Name string `json:"name,omitempty"` // what people call it
}

type jsonTask struct {
	jsonKey
	Standing explain.State `json:"standing"`
	Why      string        `json:"why"`
	Commands []string      `json:"commands,omitempty"`
}

type jsonCall struct {
	At time.Time `json:"at"`
	jsonKey
	Commit string `json:"commit,omitempty"`
	state.Outcome
}

// statusAPI answers with the condition of the daemon.
func statusAPI(version string, take func() *snapshot.Snapshot) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, statusOf(version, take())) }
}

func statusOf(version string, s *snapshot.Snapshot) jsonStatus {
	c := &s.Status.Control
	j := jsonStatus{
		Version:   version,
		At:        s.Now,
		Reasons:   emptyNotNil(s.Reasons()),
		InSync:    s.InSync(),
		Source:    jsonSource{s.Plan().Source.URL, s.Plan().Source.Branch, healthOf(s.Status.Source)},
		State:     healthOf(s.Status.Store),
		Reloads:   jsonReloads{healthOf(s.Reloads.Configuration), healthOf(s.Reloads.Credentials)},
		Pauses:    emptyNotNil(s.Pauses()),
		Approvals: []jsonApproval{},
		InFlight:  []jsonKey{},
		Open:      []jsonTask{},
		Calls:     []jsonCall{},
	}
	for _, key := range s.Status.InFlight[:min(len(s.Status.InFlight), maxListed)] {
		j.InFlight = append(j.InFlight, keyOf(s, key))
	}
	j.Ready = len(j.Reasons) == 0
	if seen := s.Status.DriftScan; seen != nil {
		j.Drift = new(*seen)
		j.Drift.Drifted = seen.Drifted[:min(len(seen.Drifted), maxListed)]
	}
	if c.Suspended.Active(s.Now) {
		j.Suspended = c.Suspended
	}
	for _, a := range c.Approvals {
		j.Approvals = append(j.Approvals, jsonApproval{a.PlanHash, append([]string{}, a.Guards...), len(a.Calls), a.Used, a.Actor, a.At, a.Expires})
	}
	if s.Status.Plan != nil {
		from := s.Plan().Source
		j.Revision = &jsonRevision{from.Revision, from.Author, from.Subject, s.Activity.RevisionSeen}
		j.Plan = planOf(s)
		j.Open = openTasks(s, maxListed)
	}
	if p, ok := s.Progress(); ok {
		j.Pass = &jsonPass{s.Activity.PassStarted, p.Calls, p.Done, p.Left.Milliseconds()}
	}
	if last := s.Activity.LastPass; !last.At.IsZero() {
		j.LastPass = &jsonLastPass{last.At, last.Took.Milliseconds(), last.Applied, last.Forgotten, last.Returned, last.Superseded}
	}
	for _, c := range s.Activity.Calls {
		j.Calls = append(j.Calls, jsonCall{c.At, keyOf(s, c.Key), c.Commit, c.Outcome})
	}
	return j
}

func keyOf(s *snapshot.Snapshot, key spec.Key) jsonKey { return jsonKey{key, s.Name(key, nil)} }

func emptyNotNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func healthOf(h reconcile.Health) jsonHealth {
	j := jsonHealth{LastAttempt: h.At, LastSuccess: h.OK}
	if h.Err != nil {
		j.Error = snapshot.ErrorText(h.Err)
	}
	return j
}

func planOf(s *snapshot.Snapshot) *jsonPlan {
	p := s.Plan()
	j := &jsonPlan{
		Hash: p.Hash, Approved: p.Approved, Specs: p.Specs, Managed: p.Managed,
		Errors: s.Digest.Errors, Warnings: s.Digest.Warnings,
		Standings: map[explain.State]int{}, Holds: []jsonGuardHold{},
	}
	for _, i := range explain.States() {
		j.Standings[i.State] = s.Count(i.State)
	}
	for _, h := range p.Holds {
		j.Holds = append(j.Holds, jsonGuardHold{h.Guard, h.Message, h.Approvable})
	}
	return j
}

// openTasks lists tasks that are held, those that need an operator first.
func openTasks(s *snapshot.Snapshot, most int) []jsonTask {
	list := []jsonTask{}
	for _, i := range explain.States() {
		if i.Tone == explain.ToneOK || i.Tone == explain.ToneBusy {
			continue
		}
		for _, c := range s.Changes(i.State, most-len(list)) {
			_, rec := s.Task(c.Key, c)
			list = append(list, jsonTask{keyOf(s, c.Key), i.State, s.Why(i.State, c.Key, c, rec), s.Commands(i.State, c.Key, c, rec)})
		}
	}
	return list
}
