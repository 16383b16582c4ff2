package serve

import (
	"net/http"
	"time"

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
	Reasons   []Reason          `json:"reasons"`
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
	Drift     *state.Look       `json:"drift"` // null before the first look; at most 100 tasks
	InFlight  []spec.Key        `json:"in_flight"`
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
	Hash      string           `json:"hash"`
	Approved  string           `json:"approved_by,omitempty"`
	Specs     int              `json:"specs"`
	Managed   int              `json:"managed"`
	Errors    int              `json:"errors"`
	Warnings  int              `json:"warnings"`
	Standings map[standing]int `json:"standings"`
	Holds     []jsonGuardHold  `json:"holds"`
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

type jsonTask struct {
	spec.Key
	Standing standing `json:"standing"`
	Why      string   `json:"why"`
	Commands []string `json:"commands,omitempty"`
}

type jsonCall struct {
	At time.Time `json:"at"`
	spec.Key
	Commit string `json:"commit,omitempty"`
	state.Outcome
}

// serveStatus answers with how the daemon stands.
func (s *Server) serveStatus(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.jsonStatus(s.look()))
}

func (s *Server) jsonStatus(l *look) jsonStatus {
	c := &l.status.Control
	j := jsonStatus{
		Version:   s.cfg.Version,
		At:        l.now,
		Reasons:   emptyNotNil(s.reasons(l)),
		InSync:    l.inSync(),
		Source:    jsonSource{l.plan().Source.URL, l.plan().Source.Branch, healthOf(l.status.Source)},
		State:     healthOf(l.status.Ledger),
		Reloads:   jsonReloads{healthOf(l.reloads.Configuration), healthOf(l.reloads.Credentials)},
		Pauses:    emptyNotNil(l.pauses()),
		Approvals: []jsonApproval{},
		InFlight:  emptyNotNil(l.status.Flying[:min(len(l.status.Flying), maxListed)]),
		Open:      []jsonTask{},
		Calls:     []jsonCall{},
	}
	j.Ready = len(j.Reasons) == 0
	if seen := l.status.Look; seen != nil {
		j.Drift = new(*seen)
		j.Drift.Drifted = seen.Drifted[:min(len(seen.Drifted), maxListed)]
	}
	if c.Suspended.Active(l.now) {
		j.Suspended = c.Suspended
	}
	for _, a := range c.Approvals {
		j.Approvals = append(j.Approvals, jsonApproval{a.PlanHash, append([]string{}, a.Guards...), len(a.Calls), a.Used, a.Actor, a.At, a.Expires})
	}
	if l.status.Plan != nil {
		j.Plan, j.Revision = l.jsonPlan(), s.jsonRevision(l)
		j.Open = l.open(maxListed)
	}
	if p, ok := l.progress(); ok {
		j.Pass = &jsonPass{l.pass.started, p.Calls, p.Done, p.Left.Milliseconds()}
	}
	if last := s.tracker.over(); !last.At.IsZero() {
		j.LastPass = &jsonLastPass{last.At, last.Took.Milliseconds(), last.Applied, last.Forgotten, last.Returned, last.Superseded}
	}
	for _, c := range s.tracker.recent() {
		j.Calls = append(j.Calls, jsonCall{c.At, c.Key, c.Commit, c.Outcome})
	}
	return j
}

func emptyNotNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func healthOf(h reconcile.Health) jsonHealth {
	j := jsonHealth{LastAttempt: h.At, LastSuccess: h.OK}
	if h.Err != nil {
		j.Error = errorText(h.Err)
	}
	return j
}

func (s *Server) jsonRevision(l *look) *jsonRevision {
	from := l.plan().Source
	return &jsonRevision{from.Revision, from.Author, from.Subject, s.tracker.seen(from.Revision)}
}

func (l *look) jsonPlan() *jsonPlan {
	p := l.plan()
	j := &jsonPlan{
		Hash: p.Hash, Approved: p.Approved, Specs: p.Specs, Managed: p.Managed,
		Errors: l.digest.errors, Warnings: l.digest.warnings,
		Standings: map[standing]int{}, Holds: []jsonGuardHold{},
	}
	for _, i := range standings() {
		j.Standings[i.standing] = l.count(i.standing)
	}
	for _, h := range p.Holds {
		j.Holds = append(j.Holds, jsonGuardHold{h.Guard, h.Message, h.Approvable})
	}
	return j
}

// open lists tasks that are held, those that need a person first.
func (l *look) open(most int) []jsonTask {
	list := []jsonTask{}
	for _, i := range standings() {
		if i.tone == toneOK || i.tone == toneBusy {
			continue
		}
		for _, c := range l.changes(i.standing, most-len(list)) {
			_, rec := l.standing(c.Key, c)
			list = append(list, jsonTask{c.Key, i.standing, l.why(i.standing, c, rec), l.commands(i.standing, c.Key, c, rec)})
		}
	}
	return list
}
