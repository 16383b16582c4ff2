package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// ErrGrace says that calls were still under way at the end of the grace period.
// Their outcome is unknown; the next start reads them back.
var ErrGrace = errors.New("calls were still under way when the grace period ended; their outcome is read back at the next start")

// background starts tasks that run while the daemon makes its passes. They outlive ctx,
// so that people see how it ends, and have ended when stop returns.
func background(ctx context.Context, tasks ...func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	for _, task := range tasks {
		running.Go(func() { task(ctx) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// withGrace calls run, and waits for it until the grace period after ctx is over.
func withGrace(ctx context.Context, period time.Duration, log *slog.Logger, run func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- run() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	log.InfoContext(context.WithoutCancel(ctx), "stopping: what is under way gets its answer", "cause", context.Cause(ctx), "grace", period)
	grace := time.NewTimer(period)
	defer grace.Stop()
	select {
	case err := <-ended:
		return err
	case <-grace.C:
		return ErrGrace
	}
}

// closers are what takes a daemon down, in the order in which it was built.
type closers []closer

// closer closes one part. Its name is for errors.
type closer struct {
	name  string
	close func() error
}

func (c *closers) add(name string, stop func() error) { *c = append(*c, closer{name, stop}) }

// close closes the newest first.
func (c *closers) close() error {
	var errs []error
	for _, part := range slices.Backward(*c) {
		if err := part.close(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", part.name, err))
		}
	}
	*c = nil
	return errors.Join(errs...)
}
