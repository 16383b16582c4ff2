package snapshot

import (
	"slices"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Daemon is what snapshots are taken of. Its methods may be called from any goroutine.
type Daemon struct {
	// Status returns the condition of the reconciler.
	Status func() reconcile.Status
	// Alive reports whether the loop of the reconciler goes on. Nil: it does.
	Alive func(now time.Time) bool
	// Reloads returns the results of the last reloads. Nil: there are none.
	Reloads func() Reloads
	// Period is the time between two commits as the limiter has it now. Nil: the
	// least that the API's limit allows.
	Period func() time.Duration
	// Recent returns how many commits left in each of the last seconds, the oldest first,
	// and how many a second the API allows. Nil: that is not known.
	Recent func() (seconds [pace.RecentSeconds]int, rate float64)
	// Interval is the time between two polls of the source.
	Interval func() time.Duration
	// Tracker follows the passes.
	Tracker *Tracker

	mu     sync.Mutex
	newest *Digest // of the newest plan
}

// Snapshot is one moment of the daemon, put together once for one answer. It does not
// change, but for the calls of a pass that goes on.
type Snapshot struct {
	Now      time.Time
	Status   reconcile.Status
	Digest   *Digest
	Activity Activity
	Reloads  Reloads
	Hangs    bool          // the loop of the reconciler does not go on
	Period   time.Duration // between two commits
	Interval time.Duration // between two polls of the source
	Recent   []int         // commits that left in each of the last seconds, the oldest first; nil if that is not known
	Rate     float64       // commits a second that the API allows

	pass     *pass // of the plan in Digest; nil if there is none, or it has ended
	calls    map[explain.State]int
	inFlight map[spec.Key]bool
}

// Snapshot returns the daemon as it is now.
func (d *Daemon) Snapshot() *Snapshot {
	s := &Snapshot{Now: time.Now(), Status: d.Status(), Period: d.period(), Interval: d.Interval()}
	s.Hangs = d.Alive != nil && !d.Alive(s.Now)
	if d.Reloads != nil {
		s.Reloads = d.Reloads()
	}
	if d.Recent != nil {
		seconds, rate := d.Recent()
		s.Recent, s.Rate = seconds[:], rate
	}
	s.Digest = d.digest(s.Status.Plan, s.Status.DriftScan)
	s.inFlight = make(map[spec.Key]bool, len(s.Status.InFlight))
	for _, key := range s.Status.InFlight {
		s.inFlight[key] = true
	}
	var p *pass
	s.Activity, p = d.Tracker.activity(s.Digest.Plan.Source.Revision)
	// Between the end of the calls and of the pass there is a newer plan, which has
	// the outcomes of the calls in it.
	if p != nil && p.plan == s.Status.Plan {
		s.pass, s.calls = p, p.tally()
	}
	return s
}

// digest returns the digest of the plan and the drift check; of nil it is empty.
func (d *Daemon) digest(p *plan.Plan, scan *state.DriftScan) *Digest {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.newest == nil || d.newest.of != p || d.newest.Scan != scan {
		d.newest = newDigest(p, scan)
	}
	return d.newest
}

// leastPeriod is the time between two commits that the API's limit allows.
const leastPeriod = time.Second / 20

func (d *Daemon) period() time.Duration {
	if d.Period == nil {
		return leastPeriod
	}
	return max(d.Period(), leastPeriod)
}

// Plan returns the newest plan; an empty one before the first.
func (s *Snapshot) Plan() *plan.Plan { return s.Digest.Plan }

// Settled returns the newest plan if it is what the next pass would do now: there is one, and
// no calls of it are under way.
func (s *Snapshot) Settled() (*plan.Plan, bool) {
	calling := s.pass != nil && s.pass.calls > 0 || len(s.inFlight) > 0
	return s.Status.Plan, s.Status.Plan != nil && !calling
}

// Task returns the state of the task and its record: after its call if there was one in
// this pass, else as the plan and the last drift check have it.
func (s *Snapshot) Task(key spec.Key, c *plan.Change) (explain.State, *state.Record) {
	var rec *state.Record
	if c != nil {
		rec = c.Have
	}
	if s.inFlight[key] {
		return explain.Sending, rec
	}
	if s.pass != nil {
		if after, ok := s.pass.outcomes.Load(key); ok {
			rec = after.(*state.Record)
			return explain.StateAfter(rec), rec
		}
	}
	return s.Digest.State(key, c), rec
}

// Name is what people call the task, as text that can be shown; empty if nothing says. rec
// is its record, or nil.
func (s *Snapshot) Name(key spec.Key, rec *state.Record) string {
	if c := s.Digest.Find(key); rec == nil && c != nil {
		rec = c.Have
	}
	return text.Visible(s.Plan().NameOf(key, rec))
}

// Wants reports whether the task has a spec that can be used.
func (s *Snapshot) Wants(key spec.Key) bool { return s.Plan().Wanted.Find(key) != nil }

// Count returns how many tasks are in the state.
func (s *Snapshot) Count(ts explain.State) int {
	n := s.Digest.Count(ts) + s.calls[ts]
	switch ts {
	case explain.Sending:
		n = len(s.Status.InFlight)
	case explain.ToSend:
		n -= len(s.Status.InFlight)
		for _, done := range s.calls {
			n -= done
		}
		n = max(n, 0)
	}
	return n
}

// Changes returns the first changes whose tasks are in the state, at most most, in the
// plan's order.
func (s *Snapshot) Changes(ts explain.State, most int) []*plan.Change {
	var list []*plan.Change
	take := func(c *plan.Change) {
		if now, _ := s.Task(c.Key, c); now == ts && len(list) < most {
			list = append(list, c)
		}
	}
	for _, i := range s.Digest.By(ts) {
		take(&s.Plan().Changes[i])
		if len(list) == most {
			break
		}
	}
	if s.calls[ts] > 0 && len(list) < most {
		for _, i := range s.Digest.By(explain.ToSend) {
			take(&s.Plan().Changes[i])
			if len(list) == most {
				break
			}
		}
		slices.SortFunc(list, func(a, b *plan.Change) int { return a.Key.Compare(b.Key) })
	}
	return list
}

// Pauses returns what is paused now.
func (s *Snapshot) Pauses() []state.Pause {
	var active []state.Pause
	for _, p := range s.Status.Control.Pauses {
		if s.Now.Before(p.Until) {
			active = append(active, p)
		}
	}
	return active
}

// Progress returns how far the calls of the pass under way are, and false if none is.
func (s *Snapshot) Progress() (Progress, bool) {
	if s.pass == nil {
		return Progress{}, false
	}
	return s.pass.progress(s.Now, s.Period)
}

// InSync reports whether every task matches its spec.
func (s *Snapshot) InSync() bool {
	return s.Status.Plan != nil && len(s.Status.InFlight) == 0 && s.Digest.InSync()
}

// Reasons says why action is required; nothing if it is not.
func (s *Snapshot) Reasons() []explain.Reason {
	return append(readiness(s.Status, s.Digest, s.Now, s.Interval), s.Reloads.reasons()...)
}
