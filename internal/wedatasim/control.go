package wedatasim

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

const controlPrefix = "/_sim/"

// controlHelp is what GET /_sim/ answers.
const controlHelp = `The control plane of the simulated WeData endpoint.

GET    /_sim/tasks                      all tasks
GET    /_sim/tasks/{project}/{task}     one task
PATCH  /_sim/tasks/{project}/{task}     set it to this: {"status":3,"instance_version":7,"locker":"100028625403"}
POST   /_sim/tasks/{project}/{task}     do something to it in the console: {"do":"commit","operator":"100028625403"}
GET    /_sim/ledger?action=&task_id=    every request, oldest first
GET    /_sim/windows?action=            the most requests that any one second held
GET    /_sim/faults                     the faults that can still be met
POST   /_sim/faults                     order one, or a list of them
DELETE /_sim/faults                     take all back
DELETE /_sim/faults/{id}                take one back
GET    /_sim/behavior                   what the service's documents leave open, and how it is here
PATCH  /_sim/behavior                   change that: {"profile":"newest","read_lag":"4s","skew":"-2m"}
GET    /_sim/profiles                   what "profile" can name; it can be written out, too
GET    /_sim/approvals                  what commits wait for, or did
POST   /_sim/approvals/{id}             end one: {"state":"rejected","operator":"7","remark":"not now"}

In the console an operator can lock, unlock, describe, edit, commit (with
instance_version), roll back ("rollback"), restart the same version ("again"), start,
pause, stop, withdraw and delete; without operator, the platform can fail and restart.

A task has no savepoint with {"no_savepoint":true}. With {"life":{"lag":900,"catch_up":600}}
its job goes so after each start, in seconds: starting (in operation so long), lag (-1 is
never known), catch_up, restart_every, restarts (so often; 0 is without end), fails_after,
full_phase.

Commits wait for an approval with {"approvals":{"projects":["*"],"end":"passed",
"after":"30s","jitter":"10s"}}, by projects or tasks. It ends passed, rejected,
withdrawn or failed; drawn is one of these by chance, and without an end it waits for
an order.

A fault chooses requests by action, project_id, task_id, skip, times and
probability, and does, in this order: delay, jitter, code and message, effect
(never | late with late_by), approve_id, fails (the job, at once), hold, answer (drop | reset | hang |
truncated | slow | huge | empty | html | redirect | raw) with status, location
and body. Durations are such as "250ms".
`

// maxControl bounds the body of a request to the control plane in bytes.
const maxControl = 1 << 20

func isControl(path string) bool { return strings.HasPrefix(path, controlPrefix) }

// control answers under /_sim/.
type control struct{ *Server }

// controlPlane returns what answers under /_sim/.
func controlPlane(c control) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, controlHelp) })
	mux.HandleFunc("GET /_sim/tasks", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, c.Tasks()) })
	mux.HandleFunc("GET /_sim/tasks/{project}/{task}", c.getTask)
	mux.HandleFunc("PATCH /_sim/tasks/{project}/{task}", c.patchTask)
	mux.HandleFunc("POST /_sim/tasks/{project}/{task}", c.postAct)
	mux.HandleFunc("GET /_sim/ledger", c.getLedger)
	mux.HandleFunc("GET /_sim/windows", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, c.Windows(r.FormValue("action"))) })
	mux.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, c.Faults()) })
	mux.HandleFunc("POST /_sim/faults", c.postFaults)
	mux.HandleFunc("DELETE /_sim/faults", func(http.ResponseWriter, *http.Request) { c.Clear() })
	mux.HandleFunc("DELETE /_sim/faults/{id}", c.deleteFault)
	mux.HandleFunc("GET /_sim/behavior", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, c.Behavior()) })
	mux.HandleFunc("PATCH /_sim/behavior", c.patchBehavior)
	mux.HandleFunc("GET /_sim/profiles", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, Profiles()) })
	mux.HandleFunc("GET /_sim/approvals", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, c.Approvals()) })
	mux.HandleFunc("POST /_sim/approvals/{id}", c.postApproval)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocal(r) {
			http.Error(w, "the control plane answers this machine only", http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxControl)
		mux.ServeHTTP(w, r)
	})
}

// isLocal reports whether the request comes from this machine and was meant for
// it: the second keeps pages of a browser out that have their name point here.
func isLocal(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	meant := host == "localhost" || err == nil && addr.IsLoopback()
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return meant && (err == nil && from.Addr().IsLoopback() || r.RemoteAddr == pipeAddr{}.String())
}

func (c control) getTask(w http.ResponseWriter, r *http.Request) {
	t, ok := c.Task(r.PathValue("project"), r.PathValue("task"))
	if !ok {
		http.Error(w, "no such task", http.StatusNotFound)
		return
	}
	writeJSON(w, t)
}

// taskChange is what PATCH sets of a task.
type taskChange struct {
	TaskType        *int64  `json:"task_type"`
	Status          *int64  `json:"status"`
	InstanceVersion *int64  `json:"instance_version"`
	Submitted       *bool   `json:"submitted"`
	Name            *string `json:"name"`
	Locker          *string `json:"locker"`
	NoSavepoint     *bool   `json:"no_savepoint"`
	NumRestarts     *int64  `json:"num_restarts"`
	ReaderDelay     *int64  `json:"reader_delay"`
	Life            *Life   `json:"life"`
}

func (c control) patchTask(w http.ResponseWriter, r *http.Request) {
	var change taskChange
	if !readJSON(w, r, &change) {
		return
	}
	project, task := r.PathValue("project"), r.PathValue("task")
	if change.Locker != nil {
		c.Lock(project, task, *change.Locker)
	}
	rest := change
	if rest.Locker = nil; rest == (taskChange{}) {
		c.getTask(w, r)
		return
	}
	writeJSON(w, c.Edit(project, task, func(t *Task) {
		set(&t.TaskType, change.TaskType)
		set(&t.Status, change.Status)
		set(&t.InstanceVersion, change.InstanceVersion)
		set(&t.Submitted, change.Submitted)
		set(&t.Name, change.Name)
		set(&t.NoSavepoint, change.NoSavepoint)
		set(&t.NumRestarts, change.NumRestarts)
		set(&t.ReaderDelay, change.ReaderDelay)
		if change.Life != nil {
			t.Life = change.Life
		}
	}))
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// postAct answers POST /_sim/tasks/{project}/{task}.
func (c control) postAct(w http.ResponseWriter, r *http.Request) {
	var a Act
	if !readJSON(w, r, &a) {
		return
	}
	t, err := c.Act(r.PathValue("project"), r.PathValue("task"), a)
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	writeJSON(w, t)
}

// postApproval answers POST /_sim/approvals/{id}.
func (c control) postApproval(w http.ResponseWriter, r *http.Request) {
	var order struct {
		State    ApprovalState `json:"state"`
		Operator string        `json:"operator"`
		Remark   string        `json:"remark"`
	}
	if !readJSON(w, r, &order) {
		return
	}
	if err := c.EndApproval(r.PathValue("id"), order.State, order.Operator, order.Remark); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	writeJSON(w, c.Approvals())
}

func (c control) getLedger(w http.ResponseWriter, r *http.Request) {
	action, task := r.FormValue("action"), r.FormValue("task_id")
	entries := []Entry{}
	for _, e := range c.Ledger() {
		if (action == "" || e.Action == action) && (task == "" || e.TaskID == task) {
			entries = append(entries, e)
		}
	}
	writeJSON(w, entries)
}

func (c control) postFaults(w http.ResponseWriter, r *http.Request) {
	var list faultList
	if !readJSON(w, r, &list) {
		return
	}
	for i := range list {
		list[i].ID = c.Inject(list[i])
	}
	writeJSON(w, list)
}

func (c control) deleteFault(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		http.Error(w, "the id is not a number", http.StatusBadRequest)
		return
	}
	c.Clear(id)
}

// patchBehavior answers PATCH /_sim/behavior: what the body does not name stays.
func (c control) patchBehavior(w http.ResponseWriter, r *http.Request) {
	b := c.Behavior()
	if !readJSON(w, r, &b) {
		return
	}
	if err := c.SetBehavior(b); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, b)
}

// readJSON reads the body into v, and answers what is wrong with it.
func readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		http.Error(w, "read body: "+err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // the client left
}
