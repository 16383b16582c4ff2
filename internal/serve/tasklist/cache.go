package tasklist

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

const (
	// leastAge is how old a list of the tasks may be, at the least; what a large
	// one costs makes it live longer.
	leastAge = 2 * time.Second
	// readShare bounds the share of the time that is spent on reading lists: one
	// in so many.
	readShare = 20
	// readWithin bounds the reading of one list.
	readWithin = 30 * time.Second
	// firstWithin is how long a request waits for the first list.
	firstWithin = 3 * time.Second
	// keptFor is how long a list is kept that nobody asks for: of 100,000 tasks it
	// takes 13 MB.
	keptFor = 15 * time.Minute
)

// Open opens the state as it is now, for reading. The error is [ErrNoState] where there
// is none yet.
type Open func(context.Context) (Reader, error)

// Reader reads the state as it was at one moment.
type Reader interface {
	// Serial is another one after each change.
	Serial(context.Context) (int64, error)
	// Records yields all records, in order of key.
	Records(context.Context) iter.Seq2[state.Record, error]
	Close() error
}

// ErrNoState says that there is no state yet: it is made once the source was read for
// the first time.
var ErrNoState = errors.New("no state yet: the source is being read for the first time")

// Cache keeps a list of all tasks in memory, because to search the state takes longer
// than a page may take. The list is read anew when someone asks and the state has
// changed, beside the request that asks.
type Cache struct {
	open Open

	mu      sync.Mutex
	newest  *List              // nil before the first, and when nobody has asked for long
	reading chan struct{}      // closed when the list that is being read is there; nil if none is
	cancel  context.CancelFunc // ends that reading
	drop    *time.Timer        // nil before anybody has asked
	closed  bool
	readers sync.WaitGroup // the goroutine that reads
}

// NewCache returns an empty Cache.
func NewCache(open Open) *Cache { return &Cache{open: open} }

// Close ends the reading of a list, and returns when nothing reads any more.
func (c *Cache) Close() {
	c.mu.Lock()
	c.closed = true
	if c.cancel != nil {
		c.cancel()
	}
	if c.drop != nil {
		c.drop.Stop()
	}
	c.mu.Unlock()
	c.readers.Wait()
}

// Peek returns the newest list, without waiting: before the first, it is empty.
func (c *Cache) Peek(ctx context.Context) *List {
	newest, _ := c.newestAndNext(ctx)
	if newest == nil {
		return new(List)
	}
	return newest
}

// Get returns the newest list. It waits only for the first one, and not for long:
// then the list is empty and has an error.
func (c *Cache) Get(ctx context.Context) *List {
	newest, reading := c.newestAndNext(ctx)
	if newest != nil {
		return newest
	}
	wait := time.NewTimer(firstWithin)
	defer wait.Stop()
	select {
	case <-reading:
	case <-wait.C:
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.newest == nil {
		return &List{Err: errors.New("the tasks are still being read: try again in a moment")}
	}
	return c.newest
}

// newestAndNext returns the newest list, and starts to read another if that is due.
func (c *Cache) newestAndNext(ctx context.Context) (*List, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return new(List), nil
	}
	if c.drop == nil {
		c.drop = time.AfterFunc(keptFor, c.forget)
	}
	c.drop.Reset(keptFor)
	due := c.newest == nil || time.Since(c.newest.at) > max(leastAge, readShare*c.newest.took)
	if due && c.reading == nil {
		done, before := make(chan struct{}), c.newest
		// The list is for all who ask later, too: it outlives this request, and ends
		// with the Cache.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readWithin)
		c.reading, c.cancel = done, cancel
		c.readers.Go(func() {
			defer close(done)
			defer cancel()
			next := c.next(ctx, before)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.newest, c.reading, c.cancel = next, nil, nil
		})
	}
	return c.newest, c.reading
}

// forget lets go of the list.
func (c *Cache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.newest = nil
}

// next reads a list, or takes over the one before if nothing has changed.
func (c *Cache) next(ctx context.Context, before *List) *List {
	start := time.Now()
	next, err := read(ctx, c.open, before)
	if errors.Is(err, ErrNoState) {
		return new(List) // as old as can be: the next request reads another
	}
	if err != nil {
		next = &List{Err: err}
		if before != nil {
			*next = *before
			next.Err = err
		}
	} else if before == nil || next.serial != before.serial {
		next.took = time.Since(start)
	}
	next.at = time.Now()
	return next
}
