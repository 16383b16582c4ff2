package reconcile

import (
	"github.com/wedatasync/wedatasync/state"
)

// Truster is a Source in which an operator can let commits count that are not signed by
// whom it trusts.
type Truster interface {
	// Trust replaces the list of commits that count, each with all that led to it. It is
	// called before Poll.
	Trust(commits []string)
}

// trust tells the source which commits operators have let count.
func (r *Reconciler) trust() {
	t, ok := r.cfg.Source.(Truster)
	if !ok {
		return
	}
	var commits []string
	for _, c := range r.Control().Trusted {
		commits = append(commits, c.Commit)
	}
	t.Trust(commits)
}

// verified reports whether the state has the mark of the revision that is gone by: the
// newest commit that counts.
func (r *Reconciler) verified() bool {
	return r.revision.Verified == "" || r.Control().Verified == r.revision.Verified
}

// mark notes it.
func (r *Reconciler) mark(c *state.Control) {
	if v := r.revision.Verified; v != "" {
		c.Verified = v
	}
}
