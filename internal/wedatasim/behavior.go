package wedatasim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Behavior is how the service is in all that its documents leave open. The zero
// value tells everything, at once, and approves nothing. [Server.SetBehavior] and
// PATCH /_sim/behavior change it while the server runs.
type Behavior struct {
	Profile Profile
	// ReadLag bounds how old the state is that a read shows. Each read draws its own
	// age, so that a later read may show an older state. At most MaxReadLag.
	ReadLag   time.Duration
	Skew      time.Duration // how far the server's clock is ahead
	Approvals Approvals
	// LockMessage is what a commit of a locked task is answered with, {locker} in it
	// being who holds it; empty: as the API's document has it.
	LockMessage string
	// PlatformTrace is what a start or a failure by the platform itself leaves in a task.
	PlatformTrace Trace
}

// MaxReadLag bounds Behavior.ReadLag.
const MaxReadLag = time.Hour

// Trace is what an act leaves in the reads of a task, beside its status.
type Trace string

// The traces.
const (
	TraceNone      Trace = ""            // a person did not operate it: nothing
	TraceTime      Trace = "update-time" // another UpdateTime
	TraceOperation Trace = "operation"   // that, and an operation with an OperateId of its own
)

// defaultLockMessage is the example of the API's document.
const defaultLockMessage = "CloudApiException: The current task is locked by {locker} and cannot be committed"

// lockMessage returns the text for a task that locker holds.
func (b *Behavior) lockMessage(locker string) string {
	message := b.LockMessage
	if message == "" {
		message = defaultLockMessage
	}
	return strings.ReplaceAll(message, "{locker}", locker)
}

// Check reports a behavior that cannot be what was meant.
func (b *Behavior) Check() error {
	switch {
	case b.ReadLag < 0 || b.ReadLag > MaxReadLag:
		return fmt.Errorf("the read lag %s is not between 0 and %s", b.ReadLag, MaxReadLag)
	case !slices.Contains([]Trace{TraceNone, TraceTime, TraceOperation}, b.PlatformTrace):
		return fmt.Errorf("no such trace: %q", b.PlatformTrace)
	}
	if err := b.Profile.check(); err != nil {
		return err
	}
	return b.Approvals.check()
}

// Behavior returns how the server behaves.
func (s *Server) Behavior() Behavior {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opts.Behavior
}

// SetBehavior changes how the server behaves from now on. Reads show no state from
// before a ReadLag was set.
func (s *Server) SetBehavior(b Behavior) error {
	if err := b.Check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Behavior = b
	return nil
}

// patchBehavior answers PATCH /_sim/behavior: what the body does not name stays.
func (s *Server) patchBehavior(w http.ResponseWriter, r *http.Request) {
	b := s.Behavior()
	if !readJSON(w, r, &b) {
		return
	}
	if err := s.SetBehavior(b); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, b)
}

// chance is a number in [0, 1) that depends on the seed and on what it is for, and
// not on when it is asked: the same seed is the same world, however goroutines are
// scheduled.
func (s *Server) chance(what string, key taskKey, n int) float64 {
	h := s.opts.Seed*0x9e3779b97f4a7c15 + 0xcbf29ce484222325
	for _, text := range [...]string{what, key.project, key.task} {
		for i := range len(text) {
			h = (h ^ uint64(text[i])) * 0x100000001b3
		}
		h = (h ^ 0xff) * 0x100000001b3
	}
	h ^= uint64(n) * 0xd6e8feb86659fd93
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return float64((h^h>>31)>>11) / (1 << 53)
}

// drawn is a time in [0, most).
func (s *Server) drawn(most time.Duration, what string, key taskKey, n int) time.Duration {
	return time.Duration(s.chance(what, key, n) * float64(most))
}
