package reconcile

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// Truster is a Source in which an operator can let commits count that are not signed by
// whom it trusts.
type Truster interface {
	// Trust replaces the list of commits that count, each with all that led to it. It is
	// called before Poll.
	Trust(commits []string)
}

// Unverified says why a newest revision does not count. It comes wrapped with
// ErrUnverified; without it, no commit is at fault.
type Unverified struct {
	Head  Authored // the newest revision
	Fault Authored // the commit that does not count: the newest itself, or one that led to it
	Err   error    // what is wrong with it
}

// Authored is a commit and who wrote it.
type Authored struct{ Commit, Author string }

func (u *Unverified) Error() string { return u.Err.Error() }

// Unwrap returns what is wrong with the commit.
func (u *Unverified) Unwrap() error { return u.Err }

// maxTrusted bounds the commits that operators have let count: the oldest ones are long
// behind what counts by itself.
const maxTrusted = 16

// IsCommit reports whether what is to be approved is a commit, by its whole name, and not a
// plan.
func IsCommit(target string) bool {
	const digits = 40
	return len(target) == digits && strings.Trim(strings.ToLower(target), "0123456789abcdef") == ""
}

// approveCommit lets a commit count that is not signed as it has to be: the newest, or the
// one for which the newest does not count.
func (r *Reconciler) approveCommit(w state.Word, now time.Time) (state.Transition, state.Answer) {
	commit := strings.ToLower(w.Target)
	if r.unverified == nil {
		return state.Transition{}, no("commit %s needs no approval: the newest revision is verified, or nothing has to be signed", commit)
	}
	u, ok := errors.AsType[*Unverified](r.unverified)
	if !ok {
		return state.Transition{}, no("no commit is at fault: %v", r.unverified)
	}
	which := u.Fault
	switch commit {
	case u.Fault.Commit:
	case u.Head.Commit:
		which = u.Head
	default:
		return state.Transition{}, no("commit %s is neither the newest, %s, nor the one at fault, %s: look at what git show says of these, and approve one of them", commit, u.Head.Commit, u.Fault.Commit)
	}
	if r.cfg.Guards != nil {
		if own := r.cfg.Guards().ownWork(&SourceInfo{Revision: which.Commit, Author: which.Author}, w.Actor); own != "" {
			return state.Transition{}, no("%s", own)
		}
	}
	control := r.Control()
	control.Trusted = append(slices.Clone(control.Trusted), state.TrustedCommit{Commit: commit, Actor: w.Actor, At: now})
	control.Trusted = control.Trusted[max(0, len(control.Trusted)-maxTrusted):]
	r.repoll = true
	return state.Transition{Control: &control}, yes("commit %s counts from now on, with what led to it, although %v", commit, u.Err)
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
