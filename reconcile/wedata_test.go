package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// weData is the other side, with a ledger of its own of what was done.
type weData struct {
	w        *world
	tasks    map[spec.Key]*liveTask
	way      []*request        // requests on their way, in order of arrival
	received map[string]int    // requests by attempt
	truth    map[string]bool   // attempts that arrived: whether they were applied
	applied  []*request        // in order
	accepted []time.Time       // within the last second, from all clients
	sent     int               // requests that were written
	denied   map[string]bool   // projects that may not be committed to
	locks    map[spec.Key]lock // tasks that someone has open
	foreign  bool              // a lock is told in another language
	expired  bool              // the credentials are not accepted until they are read again
	reloads  int
	fresh    bool                   // reading the credentials again finds others
	busiest  int                    // the most that was accepted in a second
	other    func(at time.Time) int // requests of other programs in the second before at

	tells func(*state.Live) // leaves out of a read what is not told; nil tells all
	lag   time.Duration     // how old the answer to a read is

	readAt    map[spec.Key]time.Time // when a task was last read
	stalest   time.Duration          // the longest from a read to the commit that it was for
	reads     []time.Time            // within the last second
	readLimit int                    // reads in a second; 0 is no limit
}

// lock is a task that a person has open.
type lock struct{ from, until time.Time }

// liveTask is a task as it runs.
type liveTask struct {
	live    state.Live
	last    *request // the newest that was applied
	waiting *request // that waits for an approval
	past    []past   // how it was, the oldest first
	again   bool     // the same commit may be asked for once more
}

// past is how a task was until a time.
type past struct {
	until time.Time
	live  state.Live
}

// remember keeps how the task is before it changes at a time.
func (t *liveTask) remember(at time.Time) { t.past = append(t.past, past{at, t.live}) }

// asOf returns how the task was at a time.
func (t *liveTask) asOf(at time.Time) state.Live {
	for _, p := range t.past {
		if at.Before(p.until) {
			return p.live
		}
	}
	return t.live
}

// request is one commit on its way.
type request struct {
	at      time.Time // when it arrives
	attempt string
	commit  *spec.Commit
	fault   fault
	out     state.Outcome // its answer
	arrived bool
}

// send puts a request on its way.
func (d *weData) send(r *request) {
	i, _ := slices.BinarySearchFunc(d.way, r.at, func(r *request, at time.Time) int { return r.at.Compare(at) })
	d.way = slices.Insert(d.way, i, r)
	d.sent++
}

// settle lets everything arrive that is due. w.mu is held.
func (d *weData) settle() {
	now := time.Now()
	for len(d.way) > 0 && !d.way[0].at.After(now) {
		r := d.way[0]
		d.way = d.way[1:]
		d.arrive(r)
	}
}

func (d *weData) onItsWay(attempt string) bool {
	return slices.ContainsFunc(d.way, func(r *request) bool { return r.attempt == attempt })
}

func (d *weData) task(key spec.Key) *liveTask {
	t := d.tasks[key]
	if t == nil {
		t = &liveTask{live: state.Live{UpdateTime: chinaTime(d.w.start.Add(-time.Hour))}}
		d.tasks[key] = t
	}
	return t
}

// arrive answers a request.
func (d *weData) arrive(r *request) {
	key := r.commit.Key
	r.arrived = true
	if d.received[r.attempt]++; d.received[r.attempt] > 1 {
		d.w.breach("%s: attempt %s was received %d times", key, r.attempt, d.received[r.attempt])
	}
	d.truth[r.attempt] = false
	if r.out = d.reject(r); r.out.Class != "" {
		return
	}
	if r.fault == needsApproval || r.fault == approvalLost {
		d.truth[r.attempt] = true
		d.task(key).waiting, d.task(key).again = r, true // to go back from here is another commit
		r.out = state.Outcome{Class: state.ClassApplied, RequestID: r.attempt, TaskApproveID: "77"}
		return
	}
	d.apply(r)
	r.out = state.Outcome{Class: state.ClassApplied, RequestID: r.attempt}
	if r.fault == errorAfter {
		r.out = state.Outcome{Class: state.ClassUnknown, Code: "InternalError", Message: "try again"}
	}
}

// reject returns the answer to a request that is not carried out, or nothing.
func (d *weData) reject(r *request) state.Outcome {
	key := r.commit.Key
	l, locked := d.locks[key]
	switch {
	case d.overRate(r.at), r.fault == throttle:
		return throttled
	case d.expired, r.fault == badAuth:
		return state.Outcome{Class: state.ClassAuth, Code: "AuthFailure.TokenFailure", Message: "expired"}
	case d.denied[key.ProjectID], r.fault == noAuth:
		return state.Outcome{Class: state.ClassUnauthorized, Code: "UnauthorizedOperation", Message: "not permitted"}
	case r.fault == errorBefore:
		return state.Outcome{Class: state.ClassUnknown, Code: "InternalError", Message: "try again"}
	case locked && !r.at.Before(l.from) && r.at.Before(l.until) && d.foreign:
		return state.Outcome{Class: state.ClassRefused, Code: "UnsupportedOperation", Message: "CloudApiException: 当前任务已被 100028625403 锁定，不能提交"}
	case locked && !r.at.Before(l.from) && r.at.Before(l.until):
		return lockedBy
	case r.fault == refuse:
		return refusedParam
	case r.fault == inUseNow:
		return inUse
	default:
		return state.Outcome{}
	}
}

// overRate counts a request, and reports whether it is one too many.
func (d *weData) overRate(at time.Time) bool {
	d.accepted = slices.DeleteFunc(d.accepted, func(t time.Time) bool { return at.Sub(t) > time.Second })
	n := len(d.accepted)
	if d.other != nil {
		n += d.other(at)
	}
	if n >= 20 {
		return true
	}
	d.accepted = append(d.accepted, at)
	d.busiest = max(d.busiest, n+1)
	return false
}

// readOver counts a read, and reports whether it is one too many.
func (d *weData) readOver() bool {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	now := time.Now()
	d.reads = slices.DeleteFunc(d.reads, func(t time.Time) bool { return now.Sub(t) > time.Second })
	if d.readLimit > 0 && len(d.reads) >= d.readLimit {
		return true
	}
	d.reads = append(d.reads, now)
	return false
}

// apply makes a commit take effect, and looks that it was asked for.
func (d *weData) apply(r *request) {
	t := d.task(r.commit.Key)
	if t.last != nil && t.last.commit.Wanted() == r.commit.Wanted() && !t.again {
		d.w.breach("%s: version %d was applied twice, by attempts %s and %s", r.commit.Key, r.commit.InstanceVersion, t.last.attempt, r.attempt)
	}
	d.truth[r.attempt] = true
	t.remember(r.at)
	t.last, t.waiting, t.again = r, nil, t.again && r.fault == needsApproval
	d.applied = append(d.applied, r)
	if t.live.InstanceVersion++; r.commit.InstanceVersion != 0 {
		t.live.InstanceVersion = r.commit.InstanceVersion
	}
	if t.live.Submitted = true; r.commit.CommitType.Runs() {
		if t.live.Status == state.TaskRunning {
			t.live.NumRestarts = new(t.live.Restarts() + 1)
		}
		t.live.Status = state.TaskRunning
	}
	t.live.OperateID, t.live.Operator, t.live.UpdateTime = "op-"+r.attempt, own, chinaTime(time.Now())
	d.w.note("  applied %s version %d by %s", r.commit.TaskID, r.commit.InstanceVersion, r.attempt)
}

// change is what a person does in the console to a task. Once after it, the commit
// before may be asked for again.
func (d *weData) change(key spec.Key, edit func(*state.Live)) {
	d.do(func() {
		t := d.task(key)
		t.remember(time.Now())
		edit(&t.live)
		t.again = true
		t.live.OperateID, t.live.Operator, t.live.UpdateTime = fmt.Sprint("console-", time.Since(d.w.start)), other, chinaTime(time.Now())
	})
}

// chinaTime writes a time as WeData does.
func chinaTime(t time.Time) string {
	return t.In(time.FixedZone("", 8*60*60)).Format(time.DateTime)
}

// look tells what is live of all tasks of the state. w.mu is held.
func (w *world) look() *drift.Scan {
	found := &drift.Scan{At: time.Now(), Seen: map[spec.Key]*drift.LiveTask{}}
	for _, task := range drift.Targets(state.NewRecords(slices.Collect(maps.Values(w.disk.records))...)) {
		live := w.weData.task(task.Key).live
		live.Operator = "100028625403"
		found.Seen[task.Key] = &drift.LiveTask{Key: task.Key, TaskType: task.TaskType, Live: live}
	}
	return found
}

// approve makes what waits for an approval live.
func (d *weData) approve(key spec.Key) {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	d.settle()
	d.apply(d.task(key).waiting)
}

// lock keeps a task open in WeData.
func (d *weData) lock(key spec.Key, from, until time.Time) {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	if d.locks == nil {
		d.locks = map[spec.Key]lock{}
	}
	d.locks[key] = lock{from, until}
}

// do changes WeData as a test wants it.
func (d *weData) do(change func()) {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	d.settle()
	change()
}

// Commit implements Committer.
func (p *process) Commit(ctx context.Context, c *spec.Commit, gate pace.Gate) (state.Outcome, Timing) {
	w := p.w
	p.connect(c.Key)
	p.sleep(w.stall)
	if _, f, ok := p.starts("dial", c.Key); !ok || f == notSent {
		return state.Outcome{Class: state.ClassNotSent, Code: "NoConnection", Message: "refused"}, Timing{}
	}
	if err := gate(ctx); err != nil {
		return state.Outcome{Class: state.ClassNotSent, Code: "Canceled", Message: err.Error()}, Timing{}
	}
	s, f, ok := p.starts("commit", c.Key)
	lost := state.Outcome{Class: state.ClassUnknown, Code: "ConnectionBroken", Message: "reset"}
	if !ok {
		return lost, Timing{}
	}
	if p.failed.Load() {
		w.mu.Lock()
		w.breach("%s: a request after the disk has failed", c.Key)
		w.mu.Unlock()
	}
	if f == notSent {
		return state.Outcome{Class: state.ClassNotSent, Code: "ConnectionBroken", Message: "closed"}, Timing{}
	}
	way := w.wire(5*time.Millisecond, 20*time.Millisecond, "way", c.Key, s.n)
	back := w.wire(20*time.Millisecond, 200*time.Millisecond, "back", c.Key, s.n)
	timing := Timing{Connect: way, Wrote: time.Now()}
	w.mu.Lock()
	r := &request{at: time.Now().Add(way), attempt: w.intentOf(c), commit: c, fault: f}
	switch f {
	case lateApply:
		r.at = time.Now().Add(w.between(time.Second, w.horizon-sendWithin, "late", c.Key, s.n))
	case slowAnswer:
		back = 9 * time.Second
	}
	if f != lostBefore {
		w.weData.send(r)
	}
	w.mu.Unlock()
	if f == killAfter {
		p.die()
	}
	if !p.wait(ctx, way+back) {
		return lost, timing
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.weData.settle()
	if f == lostBefore || f == lostAfter || f == lateApply || f == approvalLost {
		return lost, timing
	}
	timing.RoundTrip = way + back
	return r.out, timing
}

// connect takes some nanoseconds, in order of key: what is started at once stays in
// order, however goroutines are scheduled.
func (p *process) connect(key spec.Key) {
	place := 0
	for _, b := range []byte(key.TaskID[max(len(key.TaskID)-3, 0):]) {
		place = place<<8 + int(b)
	}
	p.sleep(time.Duration(place))
}

// wait waits for an answer; it is false if the process dies, or its patience ends.
func (p *process) wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return !p.isKilled()
	case <-p.killed:
		return false
	case <-ctx.Done():
		return false
	}
}

// intentOf returns the attempt that a request is sent for, and looks that it is
// allowed: by an intent that is durable, and by the plan that was shown. w.mu is held.
func (w *world) intentOf(c *spec.Commit) string {
	rec := w.disk.records[c.Key]
	if rec == nil || rec.Status != state.StatusIntent || rec.Attempt.Request != c.Request() {
		w.breach("%s: a request without a durable intent", c.Key)
		return "none"
	}
	if rec.Suspended.Active(time.Now()) || w.disk.control.Suspended.Active(time.Now()) {
		w.breach("%s: a request for a task that is suspended", c.Key)
	}
	if at, ok := w.weData.readAt[c.Key]; ok {
		w.weData.stalest = max(w.weData.stalest, time.Since(at))
	}
	if w.weData.received[rec.Attempt.ID] > 0 || w.weData.onItsWay(rec.Attempt.ID) {
		w.breach("%s: a second request for attempt %s", c.Key, rec.Attempt.ID)
	}
	if !slices.ContainsFunc(slices.Collect(w.planned.Calls()), func(call *plan.Change) bool { return call.Want == c }) {
		w.breach("%s: a request that is not in the plan", c.Key)
	}
	if rec.Attempt.PlanHash != w.planned.Hash || rec.Attempt.ID == "" {
		w.breach("%s: the intent does not name its plan", c.Key)
	}
	w.called[c.Key]++
	return rec.Attempt.ID
}

// Reload implements Reloader.
func (p *process) Reload(context.Context) (bool, error) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	d := &p.w.weData
	d.reloads++
	changed := d.fresh
	if changed {
		d.fresh, d.expired = false, false
	}
	return changed, nil
}

// answered is an error of a read that says what its answer was.
type answered struct {
	error
	out state.Outcome
}

func (e *answered) Unwrap() error           { return e.error }
func (e *answered) Answered() state.Outcome { return e.out }

// Read implements Reader.
func (p *process) Read(ctx context.Context, key spec.Key, _ spec.TaskType, gate pace.Gate) (*state.Live, error) {
	w := p.w
	p.connect(key)
	if err := gate(ctx); err != nil {
		return nil, err
	}
	s, f, ok := p.starts("read", key)
	if !ok || !p.sleep(w.wire(5*time.Millisecond, 20*time.Millisecond, "read", key, s.n)) {
		return nil, errKilled
	}
	if f == slowFail {
		p.wait(ctx, 9*time.Second)
		f = readFails
	}
	if f == sound && w.weData.readOver() {
		f = throttle
	}
	switch f {
	case readDenied:
		return nil, fmt.Errorf("read: %w", plan.ErrReadDenied)
	case throttle:
		return nil, &answered{plan.ErrReadThrottled, throttled}
	case readNotSent:
		return nil, &answered{errors.New("no connection"), state.Outcome{Class: state.ClassNotSent, Code: "NoConnection", Message: "refused"}}
	case readBadAuth:
		return nil, &answered{errors.New("who are you"), state.Outcome{Class: state.ClassAuth, Code: "AuthFailure.TokenFailure", Message: "expired"}}
	case readFails:
		return nil, errors.New("read: no usable answer")
	}
	w.mu.Lock()
	w.weData.settle()
	w.weData.readAt[key] = time.Now()
	live, known := w.weData.task(key).asOf(time.Now().Add(-w.weData.lag)), w.weData.known(key)
	if l, ok := w.weData.locks[key]; ok && time.Now().Before(l.until) {
		live.Locked, live.Locker = true, lockedBy.Locker
	}
	if w.weData.tells != nil {
		w.weData.tells(&live)
	}
	w.mu.Unlock()
	back := w.wire(10*time.Millisecond, 100*time.Millisecond, "told", key, s.n)
	if f == slowRead {
		back = 9 * time.Second
	}
	if !p.wait(ctx, back) {
		return nil, cmp.Or(context.Cause(ctx), errKilled)
	}
	if !known {
		return nil, fmt.Errorf("read: %w", plan.ErrTaskGone)
	}
	return &live, nil
}

// known reports whether WeData knows the task: half of them are there before their
// first commit, as after a save in the console.
func (d *weData) known(key spec.Key) bool {
	return d.task(key).last != nil || d.w.chance("known", key, 0)%2 == 0
}
