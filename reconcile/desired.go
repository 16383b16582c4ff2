package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// desired is what the source wants, and which tasks may not be as it wants them.
//
// It belongs to the goroutine of Run or Once, or to the execution that this one waits for,
// and has no lock. newest alone is for any goroutine.
type desired struct {
	source     Source
	revision   *Revision // nil if there is none that counts
	seen       time.Time // when it was first polled, by this process
	unverified error     // why revision is not the newest one, or that there is none
	repoll     bool      // a commit was approved: what the source says now may be another thing
	rewrites   map[string]Rewrite
	guards     *plan.Guards          // that the newest plan has passed
	unsettled  map[spec.Key]struct{} // tasks that may not be as their spec says; nil: all
	unread     map[string]struct{}   // files that look like specs, as the log has them

	newest atomic.Pointer[newestPlan]
}

// newestPlan is the newest plan, as the guards left it.
type newestPlan struct {
	plan *plan.Plan
	turn time.Time // when time itself makes another one; zero: never
}

// sourceError is an error of the source: no information, and no reason to end.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// poll asks the source for its newest revision. trusted are the commits that operators
// have let count. Where the newest does not count, the one that stands is desired, or none
// any more, and the error says so.
func (d *desired) poll(ctx context.Context, trusted []state.TrustedCommit) (changed bool, err error) {
	if t, ok := d.source.(Truster); ok {
		var commits []string
		for _, c := range trusted {
			commits = append(commits, c.Commit)
		}
		t.Trust(commits)
	}
	rev, err := d.source.Poll(ctx)
	if err == nil {
		d.unverified = nil
		return d.setRevision(rev), nil
	}
	failed := &sourceError{fmt.Errorf("poll the source: %w", err)}
	if !errors.Is(err, ErrUnverified) {
		return false, failed
	}
	d.unverified = err
	if rev == nil {
		return d.clearRevision(), failed
	}
	return d.setRevision(rev), failed
}

// clearRevision makes no revision desired, and reports whether one was.
func (d *desired) clearRevision() (changed bool) {
	changed = d.revision != nil
	d.revision = nil
	d.newest.Store(nil)
	return changed
}

// setRevision makes the revision desired, and reports whether another one was.
func (d *desired) setRevision(rev *Revision) (changed bool) {
	changed = d.revision == nil || d.revision.ID != rev.ID
	keys, all := rev.Specs.Changed()
	d.revision = rev
	if changed {
		d.seen = time.Now()
	}
	if all {
		d.unsettled = nil
	}
	for _, key := range keys {
		d.touch(key)
	}
	return changed
}

// release returns what is known of the revision before its first plan. One that was taken
// over before releases were remembered was seen nobody knows when.
func (d *desired) release(control *state.Control) state.Release {
	rev := d.revision
	r := state.Release{
		Revision: rev.ID, Author: rev.Author, Committer: rev.Committer, Subject: rev.Subject,
		CommittedAt: rev.When.UTC(), SeenAt: d.seen,
	}
	if control.Revision == rev.ID && control.Pending == "" {
		r.SeenAt = time.Time{}
	}
	return r
}

// specs returns the specs of the revision; none if there is none.
func (d *desired) specs() *spec.Set {
	if d.revision == nil {
		return spec.NewSet()
	}
	return d.revision.Specs
}

// touch makes the next plan look at the task.
func (d *desired) touch(key spec.Key) {
	if d.unsettled != nil && key != (spec.Key{}) {
		d.unsettled[key] = struct{}{}
	}
}

// scope returns the tasks that a plan has to look at; nil is all of them.
func (d *desired) scope() []spec.Key {
	if d.unsettled == nil {
		return nil
	}
	keys := make([]spec.Key, 0, len(d.unsettled))
	for key := range d.unsettled {
		keys = append(keys, key)
	}
	return keys
}

// settle narrows the scope to what the plan lists. A task whose spec is gone, or cannot
// be read, stays in it: what becomes of it depends on other files.
func (d *desired) settle(p *plan.Plan) {
	next := make(map[spec.Key]struct{}, len(p.Changes))
	for i := range p.Changes {
		next[p.Changes[i].Key] = struct{}{}
	}
	for _, key := range p.Orphans() {
		next[key] = struct{}{}
	}
	d.unsettled = next
}

// rewrite is RewriteOf for the revision, which it remembers. old is the revision of the
// last pass.
func (d *desired) rewrite(ctx context.Context, old string) (Rewrite, error) {
	if known, ok := d.rewrites[old+d.revision.ID]; ok {
		return known, nil
	}
	is, err := RewriteOf(ctx, d.source, old, d.revision.ID)
	if err != nil {
		return is, &sourceError{fmt.Errorf("compare the history with revision %s: %w", old, err)}
	}
	d.rewrites = map[string]Rewrite{old + d.revision.ID: is}
	return is, nil
}

// isMarked reports whether the state has the mark of the revision: the newest commit that
// counts.
func (d *desired) isMarked(control *state.Control) bool {
	return d.revision.Verified == "" || control.Verified == d.revision.Verified
}

// mark notes it.
func (d *desired) mark(control *state.Control) {
	if v := d.revision.Verified; v != "" {
		control.Verified = v
	}
}

// plan returns the newest plan, or nil before the first. It is for any goroutine.
func (d *desired) plan() *plan.Plan {
	if n := d.newest.Load(); n != nil {
		return n.plan
	}
	return nil
}

// turn returns when time itself makes another plan than the newest one. It is for any
// goroutine.
func (d *desired) turn() time.Time {
	if n := d.newest.Load(); n != nil {
		return n.turn
	}
	return time.Time{}
}

// maxUnreadLines bounds the files that one pass names in the log.
const maxUnreadLines = 20

// logUnread says once of each file that looks like a spec that it is not read.
func (d *desired) logUnread(ctx context.Context, log *slog.Logger, problems spec.Problems) {
	now := make(map[string]struct{})
	news := 0
	for _, p := range problems {
		if p.Code != spec.CodeNotRead {
			continue
		}
		now[p.File] = struct{}{}
		if _, said := d.unread[p.File]; said {
			continue
		}
		if news++; news <= maxUnreadLines {
			log.WarnContext(ctx, "a file that might be a spec is not read", "file", p.File, "why", p.Message)
		}
	}
	if news > maxUnreadLines {
		log.WarnContext(ctx, "more files that might be specs are not read", "files", news-maxUnreadLines)
	}
	d.unread = now
}

// Rewrite says how a revision stands to the one that was taken over last.
type Rewrite int

// The kinds of a Rewrite.
const (
	RewriteNone    Rewrite = iota // it comes after it
	RewriteSame                   // it does not, and has the same specs
	RewriteHeld                   // it does not, and is held until it is approved
	RewriteUnknown                // nobody can tell, which is held as well
)

// RewriteOf compares the revision with old, which is "" if none was taken over yet.
func RewriteOf(ctx context.Context, src Source, old, revision string) (Rewrite, error) {
	if old == "" || old == revision {
		return RewriteNone, nil
	}
	follows, err := src.Descends(ctx, old, revision)
	held := RewriteHeld
	if errors.Is(err, ErrHistory) {
		held, err = RewriteUnknown, nil
	}
	if err != nil || follows {
		return RewriteNone, err
	}
	same, err := src.SameSpecs(ctx, old, revision)
	if err != nil || !same {
		return held, err
	}
	return RewriteSame, nil
}

// Facts returns what guards have to know of it.
func (r Rewrite) Facts(control *state.Control) plan.Facts {
	return plan.Facts{Control: control, Rewritten: r >= RewriteHeld, Uncompared: r == RewriteUnknown}
}
