package app

import (
	"sync/atomic"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// inUse are the settings that the daemon runs with, as they were given. A reload
// replaces them.
type inUse struct {
	settings atomic.Pointer[config.Settings]
	guards   atomic.Pointer[plan.Guards] // another pointer ends the calls that passed the guards before
}

func newInUse(s config.Settings) *inUse {
	u := new(inUse)
	u.settings.Store(&s)
	u.guards.Store(&s.Guards)
	return u
}

func (u *inUse) get() *config.Settings { return u.settings.Load() }

// limits are the budgets of requests, one for each kind.
type limits struct {
	commits, reads, lists, approvals *pace.Limiter
}

func newLimits(s *config.Settings) *limits {
	return &limits{
		commits: pace.New(s.CommitRate()),
		reads:   pace.New(s.CommitRate()),
		lists:   pace.New(drift.ScanRate * s.Share),

		approvals: pace.New(s.CommitRate()),
	}
}

// reload is a [reloadable].
func (l *limits) reload(next *config.Settings) (swap func(), err error) {
	return func() {
		l.commits.SetRate(next.CommitRate())
		l.reads.SetRate(next.CommitRate())
		l.approvals.SetRate(next.CommitRate())
		l.lists.SetRate(drift.ScanRate * next.Share)
	}, nil
}
