package notify

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/text"
)

// message is what a receiver is sent at once: the text of several events, or one document.
type message struct {
	text    string
	id      string // of the document
	body    []byte
	letters []*letter
	info    []*Event
	full    bool // more waits than it has
}

func (m *message) empty() bool { return len(m.letters)+len(m.info) == 0 }

// single reports whether the message has one event.
func (m *message) single() bool { return len(m.letters)+len(m.info) == 1 }

// take notes that the message has these.
func (m *message) take(entries []entry) {
	for _, e := range entries {
		if e.letter != nil {
			m.letters = append(m.letters, e.letter)
		} else {
			m.info = append(m.info, e.event)
		}
	}
}

// entry is an event that waits. It has a letter if it requires action.
type entry struct {
	event  *Event
	letter *letter
}

// compose makes the next message of what waits, what requires action first. alone has it
// be of one event. next is when more may be sent.
func (c *channel) compose(now time.Time, alone bool) (m *message, next time.Time) {
	letters, info, next := c.due(now)
	var entries []entry
	for _, l := range letters {
		entries = append(entries, entry{l.event, l})
	}
	for _, e := range info {
		entries = append(entries, entry{event: e})
	}
	m = &message{}
	if len(entries) == 0 {
		return m, next
	}
	if alone || c.Kind == Webhook {
		m.full, entries = len(entries) > 1, entries[:1]
	}
	if c.Kind == Webhook {
		m.document(entries[0].event)
		m.take(entries)
		return m, next
	}
	p := page{channel: c, room: c.to.Limit}
	if c.Template == "" && entries[0].event.Link != "" {
		p.room -= len("\n") + len(entries[0].event.Link)
	}
	for _, group := range grouped(entries, c.Template != "") {
		if !p.write(m, group) {
			m.full = true
			break
		}
	}
	m.text = p.text.String()
	if c.Template == "" && entries[0].event.Link != "" {
		m.text += "\n" + entries[0].event.Link
	}
	return m, next
}

// delivery is the document of an event.
type delivery struct {
	Type      Topic     `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      *Event    `json:"data"`
}

// document makes the message the document of an event.
func (m *message) document(e *Event) {
	m.id = e.ID
	m.body, _ = json.Marshal(delivery{Type: e.Topic, Timestamp: e.At.UTC(), Data: e}) // texts and numbers always can
}

// alike is what events have in common that share a line.
type alike struct {
	topic                   Topic
	state                   explain.State
	revision, code, message string
	own                     int
}

func alikeOf(e *Event) alike {
	return alike{topic: e.Topic, state: e.State, revision: e.Revision, code: e.Code}
}

// grouped gathers the events that share a line, in the order of the first of each. each has
// none share one.
func grouped(entries []entry, each bool) [][]entry {
	reasons := map[alike]map[string]bool{}
	for _, e := range entries {
		key := alikeOf(e.event)
		if reasons[key] == nil {
			reasons[key] = map[string]bool{}
		}
		reasons[key][e.event.Message] = true
	}
	index := map[alike]int{}
	var groups [][]entry
	for n, e := range entries {
		key := alikeOf(e.event)
		if len(reasons[key]) <= maxReasons {
			key.message = e.event.Message
		}
		if e.event.Task == "" || each {
			key.own = n + 1 // of no task, for one: a line of its own
		}
		i, ok := index[key]
		if !ok {
			i = len(groups)
			index[key] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], e)
	}
	return groups
}

// Bounds of lines.
const (
	maxLine    = 1000 // bytes of the line of one event
	maxReasons = 3    // of events that are alike otherwise; of more, the first stands for all
	lineEach   = 3    // as many alike have a line each, and more share one
	maxShared  = 200  // tasks that one release names of those that are alike; more are counted
	minRoom    = 200  // bytes that a shared line needs at the least
)

// page is the text of a message as it is written.
type page struct {
	*channel
	text strings.Builder
	room int
}

// write writes the events of a group into the message, and reports whether all have found
// room.
func (p *page) write(m *message, group []entry) bool {
	if len(group) > lineEach {
		return p.writeShared(m, group)
	}
	for i := range group {
		if !p.line(p.lineOf(*group[i].event, maxLine), m.empty()) {
			return false
		}
		m.take(group[i : i+1])
	}
	return true
}

// line adds a line if there is room, or if it is the first.
func (p *page) line(line string, first bool) bool {
	if first {
		p.text.WriteString(text.Clip(line, p.room))
		return true
	}
	if p.text.Len()+1+len(line) > p.room {
		return false
	}
	p.text.WriteString("\n" + line)
	return true
}

// writeShared writes one line about several tasks, as many as there is room for. Of very
// many, the others are counted.
func (p *page) writeShared(m *message, group []entry) bool {
	room := p.room - p.text.Len() - 1
	if room < minRoom && !m.empty() {
		return false
	}
	n := len(group)
	shared := *group[0].event
	shared.Name, shared.Project, shared.Task, shared.Version, shared.Count = "", "", "", 0, n
	if shared.State != "" {
		shared.Next = nextFor(shared.State, shared.State.Info())
	}
	if slices.ContainsFunc(group, func(e entry) bool { return e.event.Message != shared.Message }) {
		shared.Message = "such as " + shared.Message
	}
	shared.Tasks = nil
	size := len(p.lineOf(shared, room)) + len(" 00000 tasks ( and 00000 more)")
	for _, e := range group[:min(n, maxShared)] {
		label := e.event.label()
		if size += len(p.to.Escape(label)) + len(", "); size > room && len(shared.Tasks) > 0 {
			break
		}
		shared.Tasks = append(shared.Tasks, label)
	}
	if n <= maxShared {
		n = len(shared.Tasks)
		shared.Count = n
	}
	p.line(p.lineOf(shared, room), m.empty())
	m.take(group[:n])
	return n == len(group)
}

// lineOf writes the line of an event, of at most so many bytes. What others wrote in it is
// text to the chat, and calls nobody.
func (c *channel) lineOf(e Event, most int) string {
	var b bytes.Buffer
	if err := c.line.Execute(&b, e.mapped(c.to.Escape)); err != nil {
		b.Reset() // the template does not fit this event
		b.WriteString(e.mapped(c.to.Escape).Text())
	}
	return text.Clip(strings.TrimSpace(b.String()), most)
}
