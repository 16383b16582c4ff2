package serve

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve/problem"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// maxViewers bounds the pages that get an event for each change. The others reload
	// now and then by themselves.
	maxViewers = 16
	// viewGap is the least time between two events for one page.
	viewGap = time.Second
	// viewBeat is the time between two signs of life where nothing changes.
	viewBeat = 15 * time.Second
)

// hub sends the open pages an event when something has changed. An event has no content:
// the page reloads what it shows.
type hub struct {
	quit    chan struct{} // closed when the streams have to end
	closing sync.Once

	mu      sync.Mutex
	viewers map[chan struct{}]struct{}
}

func newHub() *hub {
	return &hub{quit: make(chan struct{}), viewers: make(map[chan struct{}]struct{})}
}

// close ends the streams.
func (h *hub) close() { h.closing.Do(func() { close(h.quit) }) }

// publish sends every viewer an event. It never blocks.
func (h *hub) publish() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for v := range h.viewers {
		select {
		case v <- struct{}{}:
		default: // the event before is not sent yet, and is enough
		}
	}
}

// join adds a viewer, unless there are maxViewers.
func (h *hub) join() (viewer chan struct{}, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.viewers) >= maxViewers {
		return nil, false
	}
	viewer = make(chan struct{}, 1)
	h.viewers[viewer] = struct{}{}
	return viewer, true
}

func (h *hub) leave(viewer chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.viewers, viewer)
}

// maxCompared is how many changes of plans are compared. Where more are to be made, there is
// always something new.
const maxCompared = 1000

// lastShown is what pages were last told of, so that a poll that finds nothing new is no event.
type lastShown struct {
	mu  sync.Mutex
	sum [sha256.Size]byte
}

// differs reports whether the plan, or what is paused, shows anything else than the one
// before.
func (s *lastShown) differs(p *plan.Plan, pauses []state.Pause) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(p.Changes) > maxCompared {
		s.sum = [sha256.Size]byte{}
		return true
	}
	type change struct {
		Said string
		Have *state.Record
	}
	changes := make([]change, len(p.Changes))
	for i, c := range p.Changes {
		changes[i] = change{fmt.Sprint(c.Key, c.Action, c.Reason, c.Hold, c.Detail, c.Impact), c.Have}
	}
	text, err := json.Marshal([]any{p.Source, p.Hash, p.Approved, p.Holds, p.Problems, p.Drift, p.Specs, p.Managed, p.Unchanged, changes, pauses})
	sum := sha256.Sum256(text)
	if err == nil && sum == s.sum {
		return false
	}
	s.sum = sum
	return true
}

// ServeHTTP streams an event for each change, until the viewer leaves.
func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return
	}
	viewer, ok := h.join()
	if !ok {
		w.Header().Set("Retry-After", "60")
		problem.Write(w, http.StatusServiceUnavailable, "there are as many viewers as there may be")
		return
	}
	defer h.leave(viewer)
	// A recorder of a test has no deadlines; a connection has.
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{})
	w.Header().Set("X-Accel-Buffering", "no")
	send := func(text string) bool {
		_ = rc.SetWriteDeadline(time.Now().Add(writeTimeout))
		_, err := fmt.Fprint(w, text)
		return err == nil && rc.Flush() == nil
	}
	if !send("retry: 5000\nevent: hello\ndata:\n\n") {
		return
	}
	beat := time.NewTicker(viewBeat)
	defer beat.Stop()
	for {
		text := "event: change\ndata:\n\n"
		select {
		case <-viewer:
		case <-beat.C:
			text = ": still here\n\n"
		case <-r.Context().Done():
			return
		case <-h.quit:
			return
		}
		if !send(text) {
			return
		}
		select {
		case <-time.After(viewGap):
		case <-r.Context().Done():
			return
		case <-h.quit:
			return
		}
	}
}
