package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	problem "github.com/wedatasync/wedatasync/internal/fault"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// world is all that a daemon meets: a disk, WeData, a repository and people. It has
// its time from the bubble that it lives in, and all its chances from its seed, by
// what happens and not by when it is asked: the same seed is the same world, however
// goroutines are scheduled.
//
// The world knows the truth. It watches each step of the daemon and notes in broken
// where the daemon says what is not so, or does what it must not.
type world struct {
	seed     uint64
	start    time.Time
	horizon  time.Duration // of the daemon; a request may arrive late by less than that
	interval time.Duration // between two polls
	guards   atomic.Pointer[plan.Guards]
	rate     float64
	steady   bool          // the network takes the same time, always
	stall    time.Duration // how long a connection for a commit takes
	uptime   Clock         // of the daemon; nil is Go's own
	policy   atomic.Pointer[plan.DriftPolicy]
	watched  bool // each process looks at what is live when it starts

	// fault says what goes wrong with a step; nil is nothing.
	fault func(step) fault

	mu      sync.Mutex
	counts  map[stepID]int // steps so far
	seq     int            // steps so far
	lives   int            // processes so far
	disk    disk
	weData  weData
	repo    repo
	tracing bool
	trace   []string
	deaths  []time.Duration // when processes were killed
	broken  []string
	passes  []*Result
	planned *plan.Plan
	onPass  func(*Result)            // looks at a finished pass; nil is nothing
	called  map[spec.Key]int         // sent for the plan
	asked   map[spec.Key]spec.Digest // commits that discard state, and go out again only when an operator says so
}

// step is one thing that a process does to the world.
type step struct {
	kind string // "save intent", "commit", "read", "poll"
	key  spec.Key
	n    int // how often this kind of step was done with the task before
	seq  int // how many steps were done before
	at   time.Duration
}

// stepID is a kind of step with a task.
type stepID struct {
	kind string
	key  spec.Key
}

// fault is what goes wrong with a step.
type fault int

const (
	sound         fault = iota
	killBefore          // the process dies before the step
	killAfter           // the process dies when the step has taken effect
	full                // the disk is full
	busy                // another program holds the database
	brokenBefore        // the disk fails, and nothing was written
	brokenAfter         // the disk fails, and all was written
	notSent             // no connection
	lostBefore          // the request is lost on its way
	lostAfter           // the answer is lost on its way
	lateApply           // the request arrives when nobody waits for it any more
	slowAnswer          // the answer takes 9 seconds
	throttle            // WeData counts the request as one too many
	refuse              // WeData refuses the commit
	inUseNow            // WeData says that the task is in use
	badAuth             // the credentials are not accepted
	noAuth              // the project is not permitted
	errorBefore         // InternalError, and nothing was done
	errorAfter          // InternalError, and the commit was done
	needsApproval       // the commit waits for a person's approval in WeData
	approvalLost        // and the answer that says so is lost
	readFails           // the read gets no usable answer
	slowRead            // the read takes 9 seconds
	slowFail            // the read fails after 9 seconds
	readDenied          // reading is not permitted
	readNotSent         // no connection for the read
	readBadAuth         // the credentials are not accepted for the read
	pollFails           // the source cannot be reached
	pollLater           // the source asks to be left alone for 20 minutes
	unverified          // the newest revision is not verified, and the one before stands
	noneVerified        // and none stands
)

func newWorld(seed uint64) *world {
	w := &world{
		seed: seed, start: time.Now(), horizon: testHorizon, interval: 10 * time.Second, rate: 20,
		counts: map[stepID]int{}, called: map[spec.Key]int{}, asked: map[spec.Key]spec.Digest{},
	}
	w.guards.Store(new(plan.Guards))
	w.policy.Store(new(plan.PolicyReport))
	w.disk = disk{records: map[spec.Key]*state.Record{}, arrived: make(chan struct{})}
	w.weData = weData{w: w, tasks: map[spec.Key]*liveTask{}, received: map[string]int{}, truth: map[string]bool{}, denied: map[string]bool{}, readAt: map[spec.Key]time.Time{}}
	w.repo = repo{set: spec.NewSet()}
	return w
}

// chance is a number that depends on the seed and on what it is for, alone.
func (w *world) chance(what string, key spec.Key, n int) uint64 {
	h := w.seed*0x9e3779b97f4a7c15 + 0xcbf29ce484222325
	for _, text := range [...]string{what, key.ProjectID, key.TaskID} {
		for i := range len(text) {
			h = (h ^ uint64(text[i])) * 0x100000001b3
		}
		h = (h ^ 0xff) * 0x100000001b3
	}
	h ^= uint64(n)
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// between is a time from least up to most, to the nanosecond, so that no two things
// happen at the same time by chance.
func (w *world) between(least, most time.Duration, what string, key spec.Key, n int) time.Duration {
	return least + time.Duration(w.chance(what, key, n)%uint64(most-least))
}

// wire is how long a message takes, about.
func (w *world) wire(least, most time.Duration, what string, key spec.Key, n int) time.Duration {
	if w.steady {
		return (least + most) / 2
	}
	return w.between(least, most, what, key, n)
}

// moment is a number that depends on the seed and on the time.
func (w *world) moment(what string) uint64 {
	return w.chance(what, spec.Key{}, int(time.Since(w.start)))
}

// begin counts a step and says what goes wrong with it.
func (w *world) begin(kind string, key spec.Key) (step, fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := stepID{kind, key}
	s := step{kind: kind, key: key, n: w.counts[id], seq: w.seq, at: time.Since(w.start)}
	w.counts[id]++
	w.seq++
	f := sound
	if w.fault != nil {
		f = w.fault(s)
	}
	if w.tracing {
		w.note("%s %s #%d fault %d", kind, key.TaskID, s.n, f)
	}
	return s, f
}

// note adds a line to the trace. w.mu is held.
func (w *world) note(format string, args ...any) {
	if w.tracing {
		w.trace = append(w.trace, fmt.Sprintf("%015d ", time.Since(w.start))+fmt.Sprintf(format, args...))
	}
}

// breach notes a broken promise. w.mu is held.
func (w *world) breach(format string, args ...any) {
	w.broken = append(w.broken, fmt.Sprintf("%s: ", time.Since(w.start))+fmt.Sprintf(format, args...))
}

// check fails the test for broken promises.
func (w *world) check(t testing.TB) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.weData.settle()
	for _, b := range w.broken {
		t.Errorf("seed %d: %s", w.seed, b)
	}
}

// say posts an operator's command and returns its id.
func (w *world) say(verb state.Verb, target, arg string) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.disk.answers == nil {
		w.disk.answers = map[int64]state.CommandResult{}
	}
	id := int64(len(w.disk.words) + len(w.disk.answers) + 1)
	w.disk.post(state.Command{ID: id, At: time.Now(), Actor: "lin", Verb: verb, Target: target, Arg: arg})
	return id
}

func (w *world) answer(id int64) state.CommandResult {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.disk.answers[id]
}

// record returns what is durable of a task, or nil.
func (w *world) record(id string) *state.Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.disk.records[task(id)]
}

// statuses says how the tasks stand on the disk.
func (w *world) statuses() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, key := range slices.SortedFunc(maps.Keys(w.disk.records), spec.Key.Compare) {
		status := string(w.disk.records[key].Status)
		if w.disk.records[key].Removed != nil {
			status = "removed"
		}
		all = append(all, key.TaskID+" "+status)
	}
	return strings.Join(all, ", ")
}

// repo is the repository. Edits show at the next poll.
type repo struct {
	set      *spec.Set
	edits    []func(*spec.Set)
	revision int
	polled   int             // the revision that edits have led to
	rewrites map[string]bool // revisions that do not come after the one before
	same     map[string]bool // pairs of revisions, the one after the other, with the same specs
	fails    bool            // to compare the history
	unread   bool            // the history cannot be compared
	polls    int             // that were answered
}

// edit puts a file in the repository; empty text takes it out.
func (w *world) edit(name, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.repo.revision++
	w.repo.edits = append(w.repo.edits, func(s *spec.Set) {
		if text == "" {
			s.Remove(name)
		} else {
			s.Put(parse(name, text))
		}
	})
}

// commits puts specs in the repository, all in one file.
func (w *world) commits(commits ...string) { w.edit("tasks.yaml", document(commits...)) }

// Poll implements Source.
func (p *process) Poll(ctx context.Context) (*Revision, error) {
	s, f, ok := p.starts("poll", spec.Key{})
	if !ok || !p.sleep(p.w.between(time.Millisecond, 20*time.Millisecond, "poll", spec.Key{}, s.n)) {
		return nil, errKilled
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	w.repo.polls++
	var err error
	head := plan.Authored{Commit: fmt.Sprintf("%040d", w.repo.revision), Author: "Mei <mei@example.org>"}
	if f == unverified && slices.Contains(p.trusted, head.Commit) {
		f = 0
	}
	switch f {
	case pollFails:
		return nil, errors.New("no route to host")
	case pollLater:
		return nil, &problem.Error{Kind: errors.New("too many requests"), RetryAfter: 20 * time.Minute}
	case noneVerified:
		return nil, ErrUnverified
	case unverified:
		err = fmt.Errorf("%w: %w", ErrUnverified, &plan.Unverified{Head: head, Fault: head, Err: errors.New("it is not signed")})
	default:
		for _, edit := range w.repo.edits {
			edit(w.repo.set)
		}
		w.repo.edits, w.repo.polled = nil, w.repo.revision
	}
	return &Revision{ID: fmt.Sprintf("%040d", w.repo.polled), Author: "Lin <lin@example.org>", Subject: "change", Specs: w.repo.set}, err
}

// Trust implements Truster.
func (p *process) Trust(commits []string) { p.trusted = commits }

// Descends implements Source.
func (p *process) Descends(_ context.Context, _, revision string) (bool, error) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	if p.w.repo.fails {
		return false, errors.New("object not found")
	}
	if p.w.repo.unread {
		return false, fmt.Errorf("%w: too large", ErrHistory)
	}
	return !p.w.repo.rewrites[revision], nil
}

// SameSpecs implements Source.
func (p *process) SameSpecs(_ context.Context, old, revision string) (bool, error) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	return p.w.repo.same[old+revision], nil
}

// Close implements Source.
func (p *process) Close() error { return nil }

// Planned implements Observer: nothing in doubt may be hidden, and the plan must be
// that of a daemon that looks at everything.
func (p *process) Planned(planned *plan.Plan) {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shown(planned)
	w.planned = planned
	clear(w.called)
	control := p.r.applied.Control()
	whole := plan.Diff(plan.Input{Specs: w.repo.set, Records: p.r.applied.records, Control: &control, Policy: *w.policy.Load()}, time.Now())
	whole = w.guards.Load().Check(whole, plan.Facts{Control: &control, Rewritten: slices.ContainsFunc(planned.Holds, func(h plan.GuardHold) bool { return h.Guard == "rewritten" })}, time.Now())
	if got, want := strings.Join(lines(planned), "; "), strings.Join(lines(whole), "; "); got != want {
		w.breach("the plan is %q, and looking at everything %q", got, want)
	}
}

// shown looks that a plan lists all that is in doubt. w.mu is held.
func (w *world) shown(p *plan.Plan) {
	for key, rec := range w.disk.records {
		if plan.IsOpen(rec.Status) && !slices.ContainsFunc(p.Changes, func(c plan.Change) bool { return c.Key == key && c.Hold == plan.HoldUnknown }) {
			w.breach("%s: its outcome is not known, and the plan does not say so", key)
		}
	}
}

// Called implements Observer.
func (p *process) Called(c *plan.Change, next *state.Record, out state.Outcome) {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.disk.records[c.Key] != next {
		w.breach("%s: an outcome (%s) was told before it was durable", c.Key, out.Class)
	}
}

// Passed implements Observer.
func (p *process) Passed(r *Result) {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shown(r.Left)
	if w.onPass != nil {
		w.onPass(r)
	}
	w.passes = append(w.passes, r)
	if w.tracing {
		w.note("passed: applied %d, left %s", r.Applied, strings.Join(lines(r.Left), "; "))
	}
}

// sortedTrace is the trace with what happened at the same moment in one order. Of a
// pass that ends at the moment of a death, the scheduler decides whether it is told.
func (w *world) sortedTrace() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, at := range w.deaths {
		told := fmt.Sprintf("%015d passed", at)
		w.trace = slices.DeleteFunc(w.trace, func(line string) bool { return strings.HasPrefix(line, told) })
	}
	slices.Sort(w.trace)
	return strings.Join(w.trace, "\n")
}

// firstDifference shows where two traces part.
func firstDifference(a, b string) string {
	left, right := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range left {
		if i >= len(right) || left[i] != right[i] {
			return strings.Join(left[max(0, i-10):min(len(left), i+5)], "\n") + "\n--- and ---\n" +
				strings.Join(right[max(0, i-10):min(len(right), i+5)], "\n")
		}
	}
	return "one is longer"
}
