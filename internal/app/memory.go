package app

import (
	"context"
	"runtime/debug"
	"time"
)

const (
	// steadyGC is how much garbage may gather before it is collected, in percent of what
	// is kept. With Go's 100 a daemon of 100,000 tasks has 410 MB: what it keeps grows
	// with the tasks, what a poll throws away does not.
	steadyGC = 15
	// settledAfter is how long after the first reading of the source memory is given back:
	// the status page has read all tasks by then.
	settledAfter = 10 * time.Second
)

// holdMemory has garbage collected sooner once the source has been read, until ctx is
// done. Before, nearly all that is allocated is kept.
func holdMemory(ctx context.Context, read <-chan struct{}) {
	select {
	case <-read:
	case <-ctx.Done():
		return
	}
	defer debug.SetGCPercent(debug.SetGCPercent(steadyGC))
	select {
	case <-time.After(settledAfter):
		debug.FreeOSMemory()
		<-ctx.Done()
	case <-ctx.Done():
	}
}
