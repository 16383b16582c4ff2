package reconcile

import (
	"context"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Ledger is where outcomes go: the state, to be written.
type Ledger interface {
	// Save makes the transition durable as a whole, or not at all. state.ErrFull and
	// state.ErrBusy say that nothing was written, and that it may work later; after
	// any other error nobody knows, and nothing more is sent.
	Save(ctx context.Context, t state.Transition) error
	// PendingCommands returns what people asked for and was not answered yet, oldest first.
	PendingCommands(ctx context.Context) ([]state.Command, error)
	// HasPendingCommands reports whether Words would return any. It is asked before each
	// commit, by several goroutines, and has to be cheap.
	HasPendingCommands(ctx context.Context) (bool, error)
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
