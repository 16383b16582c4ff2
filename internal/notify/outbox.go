package notify

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/state"
)

// Keeper keeps notices across restarts: the state.
type Keeper interface {
	Notices(ctx context.Context) ([]state.Notice, error)
	SaveNotices(ctx context.Context, put, drop []state.Notice) error
}

// outbox is what each receiver has to be notified of and was notified of, made durable.
// What changes is noted at once and written by run, or by whoever has to know it durable.
type outbox struct {
	log *slog.Logger

	mu      sync.Mutex
	keeper  Keeper // nil: nothing is kept
	changes map[noticeID]state.Notice
	dropped map[noticeID]bool
	wake    chan struct{} // holds one
	failing bool          // the last write failed, and the log says so

	writing sync.Mutex // one write at a time, in the order of the changes
}

// noticeID is the key of a notice.
type noticeID struct{ receiver, id string }

func newOutbox(log *slog.Logger) *outbox {
	return &outbox{log: log, changes: map[noticeID]state.Notice{}, dropped: map[noticeID]bool{}, wake: make(chan struct{}, 1)}
}

// put notes what is to be kept. An empty body says that the receiver was notified.
func (b *outbox) put(receiver, id, body string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.keeper == nil {
		return
	}
	key := noticeID{receiver, id}
	delete(b.dropped, key)
	b.changes[key] = state.Notice{Receiver: receiver, ID: id, At: time.Now(), Body: body}
	b.poke()
}

// drop notes what need not be kept any more.
func (b *outbox) drop(receiver, id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.keeper == nil {
		return
	}
	key := noticeID{receiver, id}
	delete(b.changes, key)
	b.dropped[key] = true
	b.poke()
}

// poke wakes run. It needs mu.
func (b *outbox) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// run writes what changes until stop is done, and then what is left.
func (b *outbox) run(ctx, stop context.Context) {
	for {
		select {
		case <-b.wake:
		case <-stop.Done():
			b.flush(ctx)
			return
		}
		if !b.flush(ctx) {
			wait(stop, time.Minute) // the disk is full, for one
		}
	}
}

// flush makes all durable that was noted before, and reports whether it is. If not, it
// stays noted.
func (b *outbox) flush(ctx context.Context) bool {
	b.writing.Lock()
	defer b.writing.Unlock()
	b.mu.Lock()
	keeper, changes, dropped := b.keeper, b.changes, b.dropped
	b.changes, b.dropped = map[noticeID]state.Notice{}, map[noticeID]bool{}
	b.mu.Unlock()
	if keeper == nil || len(changes)+len(dropped) == 0 {
		return true
	}
	var put, drop []state.Notice
	for _, n := range changes {
		put = append(put, n)
	}
	for key := range dropped {
		drop = append(drop, state.Notice{Receiver: key.receiver, ID: key.id})
	}
	err := keeper.SaveNotices(ctx, put, drop)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.failing = false
		return true
	}
	if !b.failing {
		b.log.WarnContext(ctx, "notifications cannot be kept; a restart may lose or repeat them", "error", err)
	}
	b.failing = true
	b.restore(changes, dropped)
	return false
}

// restore notes again what could not be written, unless it has changed since. It needs mu.
func (b *outbox) restore(changes map[noticeID]state.Notice, dropped map[noticeID]bool) {
	newer := func(key noticeID) bool {
		_, changed := b.changes[key]
		return changed || b.dropped[key]
	}
	for key, n := range changes {
		if !newer(key) {
			b.changes[key] = n
		}
	}
	for key := range dropped {
		if !newer(key) {
			b.dropped[key] = true
		}
	}
	b.poke()
}

// kept is the body of a notice that has not been sent.
type kept struct {
	ID    string        `json:"id"`
	Topic Topic         `json:"topic"`
	At    time.Time     `json:"at"`
	State explain.State `json:"state,omitempty"`
	Event Event         `json:"event"`
}

// bodyOf is the body of a notice of the event.
func bodyOf(e *Event) string {
	data, err := json.Marshal(kept{e.ID, e.Topic, e.At, e.State, *e})
	if err != nil {
		return "" // texts and numbers always can
	}
	return string(data)
}

// eventOf reads what bodyOf wrote; nil if it cannot be read.
func eventOf(body string) *Event {
	var k kept
	if json.Unmarshal([]byte(body), &k) != nil || k.Topic == "" {
		return nil
	}
	e := k.Event
	e.ID, e.Topic, e.At, e.State = k.ID, k.Topic, k.At, k.State
	return &e
}
