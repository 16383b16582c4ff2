package app

import (
	"context"
	"runtime/debug"
	"time"
)

const (
	// steadyGC is how much garbage may gather before it is collected, in percent of what
	// is kept. With Go's 100 a daemon of 100,000 tasks has 410 MB: what it keeps grows
	// with the tasks, what happens while nothing is new does not.
	steadyGC = 15
	// pollGC is the same from the start, or the beginning of a poll, until a poll has found
	// nothing new: garbage of a file of 10,000 commits would be collected ten times with
	// steadyGC, which takes as long as the parsing.
	pollGC = 100
	// settledAfter is how long after the first reading of the source memory is given back:
	// the status page has read all tasks by then.
	settledAfter = 10 * time.Second
)

// giveBackMemory returns to the system what the start has used, once the source has been read.
func giveBackMemory(ctx context.Context, read <-chan struct{}) {
	select {
	case <-read:
	case <-ctx.Done():
		return
	}
	select {
	case <-time.After(settledAfter):
		debug.FreeOSMemory()
	case <-ctx.Done():
	}
}
