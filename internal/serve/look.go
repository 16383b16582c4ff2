package serve

import (
	"maps"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// look is one moment of the daemon, put together for one answer.
type look struct {
	now    time.Time
	status reconcile.Status
	digest *digest
	pass   *pass // whose plan digest is of; nil if there is none, or it has ended
	calls  map[standing]int
	flying map[spec.Key]bool
	period time.Duration

	reloads Reloads
}

// look looks at the daemon now.
func (s *Server) look() *look {
	l := &look{now: time.Now(), status: s.cfg.Status(), period: s.period()}
	if s.cfg.Reloads != nil {
		l.reloads = s.cfg.Reloads()
	}
	l.digest = s.digests.of(l.status.Plan)
	l.flying = make(map[spec.Key]bool, len(l.status.Flying))
	for _, key := range l.status.Flying {
		l.flying[key] = true
	}
	// Between the end of the calls and of the pass there is a newer plan, which has
	// the outcomes of the calls in it.
	if p := s.tracker.newest(); p != nil && p.plan == l.status.Plan {
		l.pass, l.calls = p, p.tally()
	}
	return l
}

// leastPeriod is the time between two commits that the API's limit allows.
const leastPeriod = time.Second / 20

func (s *Server) period() time.Duration {
	if s.cfg.Period == nil {
		return leastPeriod
	}
	return max(s.cfg.Period(), leastPeriod)
}

// tally counts how the tasks stand after their calls.
func (p *pass) tally() map[standing]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := make(map[standing]int, len(p.counts))
	maps.Copy(counts, p.counts)
	return counts
}

// plan returns the newest plan; an empty one before the first.
func (l *look) plan() *reconcile.Plan { return l.digest.plan }

// standing says how the task stands: after its call if there was one in this pass,
// else as the plan has it. What is not in the plan is as it should be.
func (l *look) standing(key spec.Key, c *reconcile.Change) (standing, *state.Record) {
	var rec *state.Record
	if c != nil {
		rec = c.Have
	}
	if l.flying[key] {
		return standSending, rec
	}
	if l.pass != nil {
		if after, ok := l.pass.outcomes.Load(key); ok {
			rec = after.(*state.Record)
			return standingAfter(rec), rec
		}
	}
	if c != nil {
		return standingOf(c), rec
	}
	return standInSync, nil
}

// count returns how many tasks stand so.
func (l *look) count(s standing) int {
	n := len(l.digest.by[s]) + l.calls[s]
	switch s {
	case standInSync:
		n += l.plan().Unchanged
	case standSending:
		n = len(l.status.Flying)
	case standToSend:
		n -= len(l.status.Flying)
		for _, done := range l.calls {
			n -= done
		}
		n = max(n, 0)
	}
	return n
}

// changes returns the first changes that stand so, at most most, in the plan's order.
func (l *look) changes(s standing, most int) []*reconcile.Change {
	var list []*reconcile.Change
	take := func(c *reconcile.Change) {
		if now, _ := l.standing(c.Key, c); now == s && len(list) < most {
			list = append(list, c)
		}
	}
	for _, i := range l.digest.by[s] {
		take(&l.digest.plan.Changes[i])
		if len(list) == most {
			break
		}
	}
	if l.calls[s] > 0 && len(list) < most {
		for _, i := range l.digest.by[standToSend] {
			take(&l.digest.plan.Changes[i])
			if len(list) == most {
				break
			}
		}
		slices.SortFunc(list, func(a, b *reconcile.Change) int { return a.Key.Compare(b.Key) })
	}
	return list
}

// oneProject reports whether all tasks are of the same project.
func (l *look) oneProject(all *listing) bool {
	switch {
	case all.projects == 0:
		return l.digest.projects == 1
	case l.digest.projects == 0:
		return all.projects == 1
	default:
		return all.projects == 1 && l.digest.projects == 1 && all.project == l.digest.project
	}
}

// pauses returns what is paused now.
func (l *look) pauses() []state.Pause {
	var active []state.Pause
	for _, p := range l.status.Control.Pauses {
		if l.now.Before(p.Until) {
			active = append(active, p)
		}
	}
	return active
}
