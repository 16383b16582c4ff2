package notify

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

const (
	maxQueue = 1000 // items that wait for one receiver
	maxBatch = 50   // items that are on their way to it
)

// Stats counts what became of what was to be sent to one receiver.
type Stats struct {
	Name    string // of the channel, or "commit status"
	Queued  int    // waits
	Sent    uint64
	Dropped uint64 // the oldest, when too many waited
	Failed  uint64 // given up after all tries
}

// queue holds what is to be sent to one receiver, and sends it from a goroutine of
// its own: who adds to it never waits.
type queue[T any] struct {
	log *slog.Logger
	// replaces reports whether b says all that a does, so that a need not be sent.
	// It may be nil.
	replaces func(b, a T) bool
	// deliver sends the first n of items, in one message.
	deliver func(ctx context.Context, items []T) (n int, err error)
	linger  time.Duration // that the first waits for others to go with it
	pace    time.Duration // between two messages

	mu    sync.Mutex
	items []T
	stats Stats
	wake  chan struct{} // holds one
}

func newQueue[T any](name string, log *slog.Logger) *queue[T] {
	return &queue[T]{log: log.With("receiver", name), stats: Stats{Name: name}, wake: make(chan struct{}, 1)}
}

// add queues an item. If too many wait, the oldest is dropped.
func (q *queue[T]) add(item T) {
	q.mu.Lock()
	if q.replaces != nil {
		q.items = slices.DeleteFunc(q.items, func(old T) bool { return q.replaces(item, old) })
	}
	if len(q.items) == maxQueue {
		q.items = slices.Delete(q.items, 0, 1)
		q.stats.Dropped++
	}
	q.items = append(q.items, item)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take takes the oldest items out, so many at the most.
func (q *queue[T]) take(most int) []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.items), most)
	items := slices.Clone(q.items[:n])
	q.items = append(q.items[:0], q.items[n:]...)
	return items
}

// note counts n items that were sent, or not.
func (q *queue[T]) note(ctx context.Context, n int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err == nil {
		q.stats.Sent += uint64(n)
		return
	}
	q.stats.Failed += uint64(n)
	q.log.WarnContext(ctx, "could not notify", "events", n, "error", err)
}

// count returns what became of the items so far.
func (q *queue[T]) count() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Queued = len(q.items)
	return s
}

// inherit takes over what is queued in old, if that is another one, and its counts.
func (q *queue[T]) inherit(old *queue[T]) {
	if old == nil || old == q {
		return
	}
	old.mu.Lock()
	items, stats := old.items, old.stats
	old.items = nil
	old.mu.Unlock()
	q.mu.Lock()
	q.stats.Sent, q.stats.Dropped, q.stats.Failed = stats.Sent, stats.Dropped, stats.Failed
	q.mu.Unlock()
	for _, item := range items {
		q.add(item)
	}
}

// empty drops what is queued.
func (q *queue[T]) empty() { q.take(maxQueue) }

// run sends what is queued until stop is done; then what is left, at once, as far
// as that goes before ctx is done.
func (q *queue[T]) run(ctx, stop context.Context) {
	for ended := false; !ended; {
		select {
		case <-q.wake:
			wait(stop, q.linger)
		case <-stop.Done():
			ended = true
		}
		for batch := q.take(maxBatch); len(batch) > 0; batch = q.take(maxBatch) {
			q.flush(ctx, stop, batch)
		}
	}
}

// flush sends a batch. Once ctx is done it gives all up that is queued.
func (q *queue[T]) flush(ctx, stop context.Context, batch []T) {
	for len(batch) > 0 {
		if ctx.Err() != nil {
			q.note(ctx, len(batch)+len(q.take(maxQueue)), context.Cause(ctx))
			return
		}
		n, err := q.deliver(ctx, batch)
		q.note(ctx, n, err)
		batch = batch[n:]
		wait(stop, q.pace)
	}
}

// wait returns after d, or when ctx is done.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
