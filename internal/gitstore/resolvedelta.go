package gitstore

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/pjbgf/sha1cd"
	"golang.org/x/sync/errgroup"
)

// resolvers is how many goroutines resolve deltas.
const resolvers = 2

// resolveDeltas names the deltas, base by base. Several goroutines share the bases, unless
// a delta names its base by hash: that one may be anywhere.
func (x *indexer) resolveDeltas(ctx context.Context) error {
	workers := min(resolvers, runtime.GOMAXPROCS(0))
	if len(x.named) > 0 {
		workers = 1
	}
	deltas := 0
	for i := range x.entries {
		if x.entries[i].delta {
			deltas++
		}
	}
	var next, left atomic.Int64
	left.Store(int64(deltas))
	group, ctx := errgroup.WithContext(ctx)
	for range workers {
		group.Go(func() error {
			own := *x
			own.spill = spillBuffer{share: workers, held: make(map[int]*content)}
			defer own.spill.close()
			for {
				from := next.Add(resolvedAtOnce) - resolvedAtOnce
				if from >= int64(len(x.entries)) {
					return nil
				}
				named, err := own.resolveFrom(ctx, int(from), min(int(from)+resolvedAtOnce, len(x.entries)))
				if left.Add(-int64(named)); err != nil {
					return err
				}
			}
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if n := left.Load(); n > 0 {
		return fmt.Errorf("%w: the bases of %d deltas are not in it", ErrThin, n)
	}
	return nil
}

// resolvedAtOnce is how many entries one goroutine looks at before the next.
const resolvedAtOnce = 256

// resolveFrom names the deltas that are made from some of the entries, and returns how
// many there are.
func (x *indexer) resolveFrom(ctx context.Context, from, to int) (named int, err error) {
	var todo []int32
	enqueue := func(parent int32) { // the deltas of a base that has its name now
		e := &x.entries[parent]
		for _, i := range x.named[e.name] {
			x.setBase(&x.entries[i], i, parent)
		}
		delete(x.named, e.name)
		for i := e.child; i >= 0; i = x.entries[i].next {
			todo = append(todo, i)
		}
	}
	for i := from; i < to; i++ {
		if x.entries[i].delta {
			continue
		}
		enqueue(int32(i))
		for len(todo) > 0 {
			if err := context.Cause(ctx); err != nil {
				return named, err
			}
			next := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			named++
			if err := x.name(ctx, next); err != nil {
				return named, err
			}
			enqueue(next)
		}
		x.spill.drop(i)
	}
	return named, nil
}

// name resolves a delta and hashes its result.
func (x *indexer) name(ctx context.Context, i int32) error {
	e := &x.entries[i]
	e.kind = x.entries[e.parent].kind
	sum := sha1cd.New()
	err := x.apply(ctx, i, func(size int64, fill func(io.Writer) error) error {
		sum.Write(objectHeader(e.kind, size))
		if e.child < 0 && len(x.named) == 0 {
			return fill(sum)
		}
		c, err := newContent(x.dir, size, func(w io.Writer) error { return fill(io.MultiWriter(sum, w)) })
		if err == nil {
			x.spill.put(int(i), c)
		}
		return err
	})
	if err != nil {
		return err
	}
	copy(e.name[:], sum.Sum(nil))
	return nil
}

// content returns the content of an entry, resolved from the nearest base that is kept.
func (x *indexer) content(ctx context.Context, i int32) (*content, error) {
	var chain []int32
	for x.spill.get(int(i)) == nil && x.entries[i].delta {
		chain = append(chain, i)
		i = x.entries[i].parent
	}
	c := x.spill.get(int(i))
	if c == nil {
		var err error
		if c, err = x.whole(i); err != nil {
			return nil, err
		}
		x.spill.put(int(i), c)
	}
	for _, i := range slices.Backward(chain) {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		err := x.applyTo(c, i, func(size int64, fill func(io.Writer) error) (err error) {
			c, err = newContent(x.dir, size, fill)
			return err
		})
		if err != nil {
			return nil, err
		}
		x.spill.put(int(i), c)
	}
	return c, nil
}

// whole reads an entry that is not a delta.
func (x *indexer) whole(i int32) (*content, error) {
	p, err := x.pack.open(x.entries[i].offset)
	if err != nil {
		return nil, malformed(err)
	}
	defer x.pack.cache.inflaters.Put(p.content)
	return newContent(x.dir, p.size, func(w io.Writer) error {
		stream, err := p.content.stream(p.size)
		if err == nil {
			_, err = io.Copy(w, stream)
		}
		return malformed(err)
	})
}

// made gets the size of the result of a delta, and a function that writes it.
type made func(size int64, fill func(io.Writer) error) error

func (x *indexer) apply(ctx context.Context, i int32, to made) error {
	base, err := x.content(ctx, x.entries[i].parent)
	if err != nil {
		return err
	}
	return x.applyTo(base, i, to)
}

func (x *indexer) applyTo(base *content, i int32, to made) error {
	p, err := x.pack.open(x.entries[i].offset)
	if err != nil {
		return malformed(err)
	}
	defer x.pack.cache.inflaters.Put(p.content)
	stream, err := p.content.stream(p.size)
	if err != nil {
		return malformed(err)
	}
	delta := bufio.NewReader(stream)
	from, size, err := deltaSizes(delta)
	if err != nil {
		return err
	}
	if from != base.size {
		return errDelta
	}
	return to(size, func(w io.Writer) error { return applyDelta(w, base, delta, size) })
}
