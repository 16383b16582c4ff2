package reconcile

import (
	"context"
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// Rewrite says how a revision stands to the one that was taken over last.
type Rewrite int

// The kinds of a Rewrite.
const (
	RewriteNone Rewrite = iota // it comes after it
	RewriteSame                // it does not, and has the same specs
	RewriteHeld                // it does not, and is held until it is approved
)

// RewriteOf compares the revision with old, which is "" if none was taken over yet.
func RewriteOf(ctx context.Context, src Source, old, revision string) (Rewrite, error) {
	if old == "" || old == revision {
		return RewriteNone, nil
	}
	follows, err := src.Descends(ctx, old, revision)
	if err != nil || follows {
		return RewriteNone, err
	}
	same, err := src.SameSpecs(ctx, old, revision)
	if err != nil || !same {
		return RewriteHeld, err
	}
	return RewriteSame, nil
}

// rewrite is RewriteOf for the revision to go by, which it remembers.
func (r *Reconciler) rewrite(ctx context.Context) (Rewrite, error) {
	old := r.Control().Revision
	if known, ok := r.rewrites[old+r.revision.ID]; ok {
		return known, nil
	}
	is, err := RewriteOf(ctx, r.cfg.Source, old, r.revision.ID)
	if err != nil {
		return is, &sourceError{fmt.Errorf("compare the history with revision %s: %w", old, err)}
	}
	r.rewrites = map[string]Rewrite{old + r.revision.ID: is}
	return is, nil
}

// takeOver makes a revision of a rewritten history that has the same specs the one that
// others have to come after. Whatever else holds its plan has held it before.
func (r *Reconciler) takeOver(ctx context.Context) error {
	is, err := r.rewrite(ctx)
	if err != nil || is != RewriteSame {
		return err
	}
	old, next := r.Control().Revision, r.revision
	note := fmt.Sprintf("taken over: the history was rewritten, and has the specs of %s", plan.Short(old))
	r.cfg.Logger.WarnContext(ctx, "the history was rewritten with the same specs: it is taken over", "leaves", old, "revision", next.ID)
	return r.saveControl(ctx, func(c *state.Control) { c.Revision, c.Pending = next.ID, "" }, state.Event{
		At: time.Now(), Kind: state.EventRevision, Revision: next.ID, Actor: next.Author, Note: state.Clip(note),
	})
}
