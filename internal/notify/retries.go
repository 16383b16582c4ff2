package notify

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/wedatasync/wedatasync/internal/fault"
)

// retries are the failures in a row of what is tried until it is done.
type retries struct {
	failures int
	since    time.Time // when they began
	saidAt   time.Time // when the log said so last
}

// Waits between two tries, where the receiver does not say.
const (
	firstWait = time.Second
	lastWait  = 2 * time.Minute
)

// sayEvery is how often the log repeats that a receiver cannot be notified.
const sayEvery = time.Hour

// fail notes a failure. The log says the first, and that it lasts once an hour.
func (r *retries) fail(ctx context.Context, log *slog.Logger, err error) {
	now := time.Now()
	if r.failures == 0 {
		r.since = now
	}
	r.failures++
	if r.failures == 1 || now.Sub(r.saidAt) >= sayEvery {
		r.saidAt = now
		log.WarnContext(ctx, "could not notify; it is tried again", "tries", r.failures, "since", r.since, "error", err)
	}
}

// succeed notes that it is over.
func (r *retries) succeed(ctx context.Context, log *slog.Logger) {
	if r.failures > 1 {
		log.InfoContext(ctx, "notified again", "tries", r.failures, "since", r.since)
	}
	*r = retries{}
}

// wait returns how long to wait before the next try.
func (r *retries) wait(err error) time.Duration {
	if e, ok := errors.AsType[*fault.Error](err); ok && e.RetryAfter > 0 {
		return min(e.RetryAfter, maxRest)
	}
	d := lastWait
	if n := r.failures - 1; n < 7 {
		d = min(firstWait<<n, lastWait)
	}
	return d/2 + rand.N(d/2+1)
}

// rest returns how long to wait after an error that does not pass by itself.
func (r *retries) rest() time.Duration {
	if time.Since(r.since) < time.Hour {
		return restAfter
	}
	return lateRest
}
