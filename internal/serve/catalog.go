package serve

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// catalogAge is how old a list of the tasks may be, at the least; what a large
	// one costs makes it live longer.
	catalogAge = 2 * time.Second
	// catalogShare bounds the share of the time that is spent on making lists: one
	// in so many.
	catalogShare = 20
	// catalogWithin bounds the making of one list.
	catalogWithin = 30 * time.Second
	// catalogWait is how long a request waits for the first list.
	catalogWait = 3 * time.Second
	// catalogKept is how long a list is kept that nobody looks at: of 100,000 tasks it
	// takes 13 MB.
	catalogKept = 15 * time.Minute
)

// task is what the list of all tasks has of one.
type task struct {
	key       spec.Key
	status    state.Status
	commit    spec.CommitType // applied; not for one that never was
	version   int64           // applied; 0 if there was none
	at        int64           // when that was, in Unix milliseconds; 0 if never
	accepted  bool            // and not seen live yet
	suspended bool            // by a person, or was
	removed   bool            // its spec is gone, and it is not managed
}

// listing is the list of all tasks as it was at one moment. It does not change.
type listing struct {
	at       time.Time
	serial   int64
	took     time.Duration
	tasks    []task // in order of key
	project  string // of the last task
	projects int
	err      error // why it could not be made anew; the tasks are older then
}

// catalog keeps a list of all tasks in memory, because to search the state takes
// longer than a person likes to wait. It is made anew when someone looks and the
// state has changed, beside the request that asks.
type catalog struct {
	open func(context.Context) (*state.Reader, error)

	mu     sync.Mutex
	newest *listing      // nil before the first, and when nobody has looked for long
	making chan struct{} // closed when the list that is being made is there; nil if none is
	drop   *time.Timer   // nil before anybody has looked
}

func newCatalog(open func(context.Context) (*state.Reader, error)) *catalog {
	return &catalog{open: open}
}

// peek returns the newest list, without waiting: before the first, it is empty.
func (c *catalog) peek(ctx context.Context) *listing {
	newest, _ := c.newestAndNext(ctx)
	if newest == nil {
		return new(listing)
	}
	return newest
}

// get returns the newest list. It waits only for the first one, and not for long:
// then the list is empty and has an error.
func (c *catalog) get(ctx context.Context) *listing {
	newest, making := c.newestAndNext(ctx)
	if newest != nil {
		return newest
	}
	wait := time.NewTimer(catalogWait)
	defer wait.Stop()
	select {
	case <-making:
	case <-wait.C:
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.newest == nil {
		return &listing{err: errors.New("the tasks are still being read: look again in a moment")}
	}
	return c.newest
}

// newestAndNext returns the newest list, and starts to make another if that is due.
func (c *catalog) newestAndNext(ctx context.Context) (*listing, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drop == nil {
		c.drop = time.AfterFunc(catalogKept, c.forget)
	}
	c.drop.Reset(catalogKept)
	due := c.newest == nil || time.Since(c.newest.at) > max(catalogAge, catalogShare*c.newest.took)
	if due && c.making == nil {
		done, before := make(chan struct{}), c.newest
		c.making = done
		// The list is for all who ask later, too: it outlives this request.
		ctx = context.WithoutCancel(ctx)
		go func() {
			defer close(done)
			next := c.list(ctx, before)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.newest, c.making = next, nil
		}()
	}
	return c.newest, c.making
}

// forget lets go of the list.
func (c *catalog) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.newest = nil
}

// list makes a list, or takes over the one before if nothing has changed.
func (c *catalog) list(ctx context.Context, before *listing) *listing {
	ctx, cancel := context.WithTimeout(ctx, catalogWithin)
	defer cancel()
	start := time.Now()
	next, err := c.read(ctx, before)
	if errors.Is(err, errNoState) {
		return new(listing) // as old as can be: the next look makes another
	}
	if err != nil {
		next = &listing{err: err}
		if before != nil {
			*next = *before
			next.err = err
		}
	} else if before == nil || next.serial != before.serial {
		next.took = time.Since(start)
	}
	next.at = time.Now()
	return next
}

func (c *catalog) read(ctx context.Context, before *listing) (_ *listing, err error) {
	r, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	serial, err := r.Serial(ctx)
	if err != nil {
		return nil, err
	}
	if before != nil && before.err == nil && before.serial == serial {
		same := *before
		return &same, nil
	}
	l := &listing{serial: serial}
	if before != nil {
		l.tasks = make([]task, 0, len(before.tasks))
	}
	project := "" // nearly all tasks share theirs with the one before
	for rec, err := range r.Records(ctx) {
		if err != nil {
			return nil, err
		}
		if rec.Removed != nil {
			continue // it is not managed: its own page and the history have it
		}
		if rec.Key.ProjectID != project {
			project = strings.Clone(rec.Key.ProjectID)
			l.project = project
			l.projects++
		}
		rec.Key.ProjectID = project
		l.tasks = append(l.tasks, taskOf(&rec))
	}
	return l, nil
}

func taskOf(rec *state.Record) task {
	t := task{
		key:       spec.Key{TaskID: strings.Clone(rec.Key.TaskID), ProjectID: rec.Key.ProjectID},
		status:    rec.Status,
		accepted:  rec.Accepted(),
		suspended: rec.Suspended != nil,
		removed:   rec.Removed != nil,
	}
	if a := rec.Applied; a != nil {
		t.commit, t.version, t.at = a.CommitType, a.InstanceVersion, a.At.UnixMilli()
	}
	return t
}
