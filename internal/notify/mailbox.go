package notify

import (
	"log/slog"
	"slices"
	"sync"
	"time"
)

// maxInfo is how many events that require no action wait for one receiver.
const maxInfo = 1000

// Stats counts what became of what one receiver was to be notified of.
type Stats struct {
	Name    string // of the channel, or "commit status"
	Queued  int    // waits
	Sent    uint64
	Dropped uint64 // the oldest, when too many waited that require no action
	Failed  uint64 // given up
}

// letter is an event that requires action, and that the receiver was not notified of yet.
type letter struct {
	id    string
	event *Event
	tries int       // that the receiver refused
	after time.Time // not to be sent before; zero: at once
}

// mailbox is what one receiver was and has to be notified of. Who adds to it never waits.
type mailbox struct {
	log      *slog.Logger
	box      *outbox
	receiver string // its name in the outbox

	sending sync.Mutex // one message at a time, also when another channel takes over

	mu      sync.Mutex
	told    map[string]bool // conditions that the receiver was notified of, and that last
	letters []*letter       // not yet, the oldest first; each is in told, too, as false
	info    []*Event        // requires no action; the oldest is dropped when too many wait
	fresh   bool            // the receiver is new: what was so before is no news for it
	stats   Stats
	unsaid  uint64    // events that were dropped since the log said so
	saidAt  time.Time // when it did
	wake    chan struct{}
}

func newMailbox(name string, box *outbox, log *slog.Logger) *mailbox {
	return &mailbox{
		log: log.With("receiver", name), box: box, receiver: "channel " + name,
		told: map[string]bool{}, fresh: true, stats: Stats{Name: name}, wake: make(chan struct{}, 1),
	}
}

// require has the receiver notified once of conditions that an event tells together, for as
// long as they last: of any that it does not know yet.
func (m *mailbox) require(ids []string, e *Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	queued := false
	for _, id := range ids {
		if _, known := m.told[id]; known {
			continue
		}
		if m.told[id] = queued; queued {
			m.box.put(m.receiver, id, "")
			continue
		}
		queued = true
		m.letters = append(m.letters, &letter{id: id, event: e})
		m.box.put(m.receiver, id, bodyOf(e))
	}
	if queued {
		m.poke()
	}
}

// know notes a condition as one that the receiver was notified of.
func (m *mailbox) know(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.told[id]; !known {
		m.told[id] = true
		m.box.put(m.receiver, id, "")
	}
}

// settled forgets the conditions that the receiver was notified of and that are over.
func (m *mailbox) settled(lasts func(id string) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, told := range m.told {
		if told && !lasts(id) {
			delete(m.told, id)
			m.box.drop(m.receiver, id)
		}
	}
}

// isFresh reports whether the receiver is new.
func (m *mailbox) isFresh() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fresh
}

// begin notes that the receiver is new no more.
func (m *mailbox) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fresh {
		m.fresh = false
		m.box.put(m.receiver, "", "")
	}
}

// load takes in a notice that was kept.
func (m *mailbox) load(id, body string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fresh = false
	if id == "" {
		return
	}
	e := eventOf(body)
	m.told[id] = e == nil
	if e != nil {
		m.letters = append(m.letters, &letter{id: id, event: e})
		m.poke()
	}
}

// add queues an event that requires no action.
func (m *mailbox) add(e *Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.info = append(m.info, e)
	m.bound()
	m.poke()
}

// bound drops the oldest events that require no action, if there are too many. It needs mu.
func (m *mailbox) bound() {
	if over := len(m.info) - maxInfo; over > 0 {
		m.info = slices.Delete(m.info, 0, over)
		m.stats.Dropped += uint64(over)
		m.unsaid += uint64(over)
		m.sayDropped()
	}
}

// take takes events that require no action out: they are on their way.
func (m *mailbox) take(info []*Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.info = slices.DeleteFunc(m.info, func(e *Event) bool { return slices.Contains(info, e) })
}

// giveBack puts those back that are to be tried again, and gives up those that have waited
// since before.
func (m *mailbox) giveBack(info []*Event, before time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.info = append(slices.Clone(info), m.info...)
	n := len(m.info)
	m.info = slices.DeleteFunc(m.info, func(e *Event) bool { return e.At.Before(before) })
	m.stats.Failed += uint64(n - len(m.info))
	m.bound()
}

// sayDropped says in the log, once a minute, how much was dropped. It needs mu.
func (m *mailbox) sayDropped() {
	if m.unsaid == 0 || time.Since(m.saidAt) < time.Minute {
		return
	}
	m.log.Warn("notifications dropped; what requires action is kept", "events", m.unsaid, "waiting", len(m.info))
	m.unsaid, m.saidAt = 0, time.Now()
}

// poke wakes whoever sends. It needs mu.
func (m *mailbox) poke() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// again has whoever sends look once more.
func (m *mailbox) again() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.poke()
}

// due returns what may be sent now, what requires action first, and when more may be;
// zero if nothing waits.
func (m *mailbox) due(now time.Time) (letters []*letter, info []*Event, next time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sayDropped()
	for _, l := range m.letters {
		switch {
		case !l.after.After(now):
			letters = append(letters, l)
		case next.IsZero() || l.after.Before(next):
			next = l.after
		}
	}
	return letters, slices.Clone(m.info), next
}

// sent notes that the receiver took these.
func (m *mailbox) sent(letters []*letter, info []*Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats.Sent += uint64(len(letters) + len(info))
	m.close(letters)
}

// failed notes that these are given up.
func (m *mailbox) failed(letters []*letter, info []*Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats.Failed += uint64(len(letters) + len(info))
	m.close(letters)
}

// giveUp gives up what requires no action, and returns how much that is, and how much is
// left.
func (m *mailbox) giveUp() (given, left int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	given, left = len(m.info), len(m.letters)
	m.stats.Failed += uint64(given)
	m.info = nil
	return given, left
}

// close notes that the conditions need not be sent any more. It needs mu.
func (m *mailbox) close(letters []*letter) {
	for _, l := range letters {
		m.told[l.id] = true
		m.box.put(m.receiver, l.id, "")
	}
	m.letters = slices.DeleteFunc(m.letters, func(l *letter) bool { return slices.Contains(letters, l) })
}

// postpone notes that the receiver refused a letter, which is to be tried again later.
func (m *mailbox) postpone(l *letter, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l.tries++
	l.after = until
}

// count returns what became of the events so far.
func (m *mailbox) count() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.stats
	s.Queued = len(m.letters) + len(m.info)
	return s
}

// empty drops what waits, and forgets what is kept: the receiver is gone.
func (m *mailbox) empty() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range m.told {
		m.box.drop(m.receiver, id)
	}
	m.box.drop(m.receiver, "")
	m.told, m.letters, m.info = map[string]bool{}, nil, nil
}
