package reconcile

import (
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// Backoff is how long to wait before the next try: Min doubling to Max, minus up
// to a fifth, so that what failed together does not come back together.
type Backoff struct {
	Min, Max time.Duration
}

// BackoffFor returns the back-off after an outcome of the class.
func BackoffFor(class state.Class) Backoff {
	switch class {
	case state.ClassAuth, state.ClassUnauthorized:
		return Backoff{Min: time.Minute, Max: 15 * time.Minute} // people mend it
	case state.ClassNotSent:
		return Backoff{Min: time.Second, Max: 5 * time.Minute} // the network
	case state.ClassUnknown, state.ClassApplied:
		return Backoff{Min: 2 * time.Second, Max: 10 * time.Minute} // reading back
	default:
		return Backoff{Min: 30 * time.Second, Max: 10 * time.Minute} // a lock, a resource
	}
}

// After returns how long to wait after the tries-th try in a row, counted from 1.
// random is in [0, 1).
func (b Backoff) After(tries int, random float64) time.Duration {
	d := b.Max
	if shift := max(tries-1, 0); shift < 32 && b.Min<<shift < b.Max {
		d = b.Min << shift
	}
	return d - time.Duration(random*float64(d)/5)
}
