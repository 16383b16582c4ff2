package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/internal/apiclient"
	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// commitStatus is the status of one revision. Without a state it is one that was asked for
// and that the forge may have or not.
type commitStatus struct {
	revision string
	state    forge.State
	text     string
}

// final reports whether nothing more is to be said of the revision if it is overtaken.
func (s commitStatus) final() bool {
	return s.state == forge.StateSuccess || s.state == forge.StateFailure
}

// statuses has the forge show how the newest revision stands. That is a level and no event:
// the newest status is set until the forge has it, and an older revision whose status says
// that it is under way is closed, also after a restart.
type statuses struct {
	log      *slog.Logger
	target   *forge.Forge
	dated    bool // the text of a status that is not final cannot be changed, and says when it was so
	name     string
	link     string
	box      *outbox
	receiver string // its name in the outbox

	mu    sync.Mutex
	want  commitStatus            // how the newest revision stands
	have  map[string]commitStatus // what the forge shows, by revision
	stats Stats
	wake  chan struct{} // holds one
}

func newStatuses(target *forge.Forge, s *Settings, box *outbox) *statuses {
	name := cmp.Or(s.Context, product)
	return &statuses{
		log: s.Logger.With("receiver", "commit status"), target: target, dated: s.Forge.Kind == forge.GitLab, name: name, link: s.Link, box: box,
		receiver: fmt.Sprintf("status %s %s %s %s", s.Forge.Kind, s.Forge.BaseURL, s.Forge.Repository, name),
		have:     map[string]commitStatus{}, stats: Stats{Name: "commit status"}, wake: make(chan struct{}, 1),
	}
}

// set notes how the newest revision stands.
func (s *statuses) set(want commitStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.want == want || !forge.IsRevision(want.revision) {
		return
	}
	s.want = want
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// load takes in what was kept of a revision.
func (s *statuses) load(revision, body string) {
	var k keptStatus
	if json.Unmarshal([]byte(body), &k) != nil {
		k = keptStatus{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.have[revision] = commitStatus{revision, k.State, k.Text}
}

// keptStatus is what is kept of a revision's status.
type keptStatus struct {
	State forge.State `json:"state,omitempty"`
	Text  string      `json:"text,omitempty"`
}

// keep notes what the forge shows of a revision. It needs mu.
func (s *statuses) keep(have commitStatus) {
	s.have[have.revision] = have
	body, _ := json.Marshal(keptStatus{have.state, have.text}) // texts always can
	s.box.put(s.receiver, have.revision, string(body))
}

// forget notes that nothing more is to be said of a revision. It needs mu.
func (s *statuses) forget(revision string) {
	delete(s.have, revision)
	s.box.drop(s.receiver, revision)
}

// next returns what is to be set now, the newest revision first; false if that is nothing.
func (s *statuses) next() (commitStatus, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.want.revision == "" {
		return commitStatus{}, false
	}
	if s.have[s.want.revision] != s.want {
		return s.want, true
	}
	for _, revision := range slices.Sorted(maps.Keys(s.have)) {
		switch have := s.have[revision]; {
		case revision == s.want.revision:
		case have.final():
			s.forget(revision)
		default:
			return commitStatus{revision, forge.StateOvertaken, "overtaken by " + plan.Short(s.want.revision)}, true
		}
	}
	return commitStatus{}, false
}

// run sets what is to be set until stop is done; then what is left, once.
func (s *statuses) run(ctx, stop context.Context) {
	var r retries
	for ended := false; !ended; {
		select {
		case <-s.wake:
		case <-stop.Done():
			ended = true
		}
		wait(stop, linger) // most passes are over by then
		for next, ok := s.next(); ok; next, ok = s.next() {
			err := s.post(ctx, next)
			s.settle(ctx, next, err)
			switch {
			case err == nil:
				r.succeed(ctx, s.log)
				wait(stop, time.Second)
			case stop.Err() != nil:
				return
			default:
				r.fail(ctx, s.log, err)
				s.rest(stop, &r, err)
			}
		}
	}
}

// post sets a status, once. That it may be there is durable before.
func (s *statuses) post(ctx context.Context, next commitStatus) error {
	s.mu.Lock()
	if have, known := s.have[next.revision]; !known || have.final() && !next.final() {
		s.keep(commitStatus{revision: next.revision})
	}
	s.mu.Unlock()
	s.box.flush(context.WithoutCancel(ctx))
	text := next.text
	if s.dated && next.state == forge.StatePending {
		text += time.Now().UTC().Format("; as of 15:04 UTC")
	}
	return s.target.SetStatus(ctx, next.revision, forge.Status{State: next.state, Context: s.name, Description: text, URL: s.link})
}

// settle notes what has become of it.
func (s *statuses) settle(ctx context.Context, next commitStatus, err error) {
	s.mu.Lock()
	overtaken := next.state == forge.StateOvertaken
	switch {
	case err == nil && overtaken:
		s.stats.Sent++
		s.forget(next.revision)
	case err == nil:
		s.stats.Sent++
		s.keep(next)
	case overtaken && (errors.Is(err, apiclient.ErrNotFound) || errors.Is(err, apiclient.ErrRefused)):
		s.stats.Failed++ // the commit is there no more
		s.forget(next.revision)
	}
	s.mu.Unlock()
	s.box.flush(context.WithoutCancel(ctx))
}

// rest waits after an error. What does not pass by itself is tried again when there is
// something new to say.
func (s *statuses) rest(stop context.Context, r *retries, err error) {
	if passing(err) {
		wait(stop, r.wait(err))
		return
	}
	idle(stop, s.wake, r.rest())
}

// count returns what became of the statuses so far.
func (s *statuses) count() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	if s.want.revision != "" && s.have[s.want.revision] != s.want {
		stats.Queued = 1
	}
	return stats
}

// takeOver goes on with what another one knows of the same statuses, and reports whether
// they are the same.
func (s *statuses) takeOver(old *statuses) bool {
	if s.receiver != old.receiver {
		return false
	}
	old.mu.Lock()
	have, stats := maps.Clone(old.have), old.stats
	old.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.have, s.stats = have, stats
	return true
}

// empty forgets what is to be set: the forge is another one.
func (s *statuses) empty() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for revision := range s.have {
		s.forget(revision)
	}
	s.want = commitStatus{}
}
