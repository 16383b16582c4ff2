package reconcile

import (
	"context"
	"errors"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
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
	// A source without history reports true. After ErrHistory nobody knows.
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

// ErrHistory is what a source has to say of a history that it cannot follow from one
// revision to another. It does not end by itself, either.
var ErrHistory = errors.New("history cannot be compared")

// Revision is one state of the source.
type Revision struct {
	ID        string    // a commit hash, or a digest of a folder
	Author    string    // "Name <email>"; empty for a folder
	Committer string    // "Name <email>"; empty for a folder
	Subject   string    // first line of the message
	When      time.Time // by the committer's clock; zero for a folder
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

// Truster is a Source in which an operator can let commits count that are not signed by
// whom it trusts.
type Truster interface {
	// Trust replaces the list of commits that count, each with all that led to it. It is
	// called before Poll.
	Trust(commits []string)
}

// Store is where outcomes go: the state, to be written.
type Store interface {
	// Save makes the transition durable as a whole, or not at all. state.ErrFull and
	// state.ErrBusy say that nothing was written, and that it may work later; after
	// any other error nobody knows, and nothing more is sent.
	Save(ctx context.Context, t state.Transition) error
	// PendingCommands returns what people asked for and was not answered yet, oldest first.
	PendingCommands(ctx context.Context) ([]state.Command, error)
	// HasPendingCommands reports whether PendingCommands would return any. It is asked before
	// each commit, by several goroutines, and has to be cheap.
	HasPendingCommands(ctx context.Context) (bool, error)
	// CommandsArrive tells who waits when to look for pending commands.
	CommandsArrive() <-chan struct{}
}

// Committer sends one commit, once.
type Committer interface {
	// Commit sends the commit in one request, and says what the answer means. It
	// never sends a second one, calls the gate once at most, and ends when ctx does.
	Commit(ctx context.Context, c *spec.Commit, gate pace.Gate) (state.Outcome, Timing)
}

// Reloader is a Committer whose credentials can change.
type Reloader interface {
	// Reload reads the credentials again and reports whether they are others than those
	// that were last not accepted.
	Reload(ctx context.Context) (changed bool, err error)
}

// Timing is how one request went on the wire.
type Timing struct {
	Connect   time.Duration // how long the TCP connection took; 0 if none was made
	Wrote     time.Time     // when the request's first byte was written; zero if none was
	RoundTrip time.Duration // from the first byte written to the answer
}

// Reader reads what is live. A Reconciler works without one: what then cannot be
// proven waits for a person.
type Reader interface {
	// Read returns what WeData says of the task. The error is ErrReadDenied if the
	// credentials may not read, ErrTaskGone if there is no such task, and
	// ErrReadThrottled if the read was counted as one too many. The gate may be called
	// again, if a connection was lost before anything was written.
	Read(ctx context.Context, key spec.Key, taskType spec.TaskType, gate pace.Gate) (*state.Live, error)
}

// Observer is told what happens while it happens, by one goroutine at a time. Its
// methods must not block.
type Observer interface {
	// Planned is called before the first call of a pass.
	Planned(p *plan.Plan)
	// Called is called when the outcome of one call is durable. next is how the
	// task stands.
	Called(c *plan.Change, next *state.Record, out state.Outcome)
	// Passed is called at the end of a pass.
	Passed(r *Result)
}
