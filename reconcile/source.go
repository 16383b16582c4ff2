package reconcile

import (
	"context"
	"errors"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// Source is where the specs come from. One goroutine uses it at a time.
type Source interface {
	// Poll returns the newest revision with its specs. It costs one round trip
	// when nothing is new, and otherwise what has changed. An error is no
	// information: it never means that specs are gone. With one of ErrUnverified
	// comes the revision that stands as long as the newest does not count; if none
	// does, nothing may be sent. The returned Set belongs to the source and is valid
	// until the next Poll.
	Poll(ctx context.Context) (*Revision, error)
	// Descends reports whether revision is old itself or comes after it in history.
	// A source without history reports true.
	Descends(ctx context.Context, old, revision string) (bool, error)
	// SameSpecs reports whether two revisions have the same spec files. It is false if
	// the source does not know one of them any more.
	SameSpecs(ctx context.Context, old, revision string) (bool, error)
	// Close lets go of what the source holds.
	Close() error
}

// ErrUnverified is what a source has to say of a newest revision that nobody signed
// whom it is told to trust. It does not end by itself.
var ErrUnverified = errors.New("newest revision is not verified")

// Revision is one state of the source.
type Revision struct {
	ID      string    // a commit hash, or a digest of a folder
	Author  string    // "Name <email>"; empty for a folder
	Subject string    // first line of the message
	When    time.Time // zero for a folder
	// Verified is the newest commit that counts so far, for the state to remember: this
	// one, or one that came after it. Empty for a folder.
	Verified string
	Specs    *spec.Set
}

// Of returns info with where the specs of the revision come from. unverified is what the
// source has said with it, if anything.
func (r *Revision) Of(info plan.SourceInfo, unverified error) plan.SourceInfo {
	info.Revision, info.Author, info.Subject = r.ID, r.Author, r.Subject
	if unverified != nil {
		info.Unverified = unverified.Error()
	}
	return info
}
