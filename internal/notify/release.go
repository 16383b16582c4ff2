package notify

import (
	"fmt"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// summary counts what becomes of the tasks of one revision, until it is sent.
type summary struct {
	source   plan.SourceInfo
	outcomes map[string]*Outcome // by word
	first    map[string]Event    // of each
	at       map[string]string   // the last word of each task, so that none counts twice
	began    time.Time
}

// words are those of outcomes, the gravest first, and the states whose next step there is.
var outcomeWords = []struct {
	word  string
	state explain.State
}{
	{"refused", explain.Refused},
	{"with an unknown outcome", explain.Unknown},
	{"to be approved in WeData", explain.Approval},
	{"waiting", ""},
	{"healed", ""},
	{"applied", ""},
}

// wordOf is the word of an outcome; empty if a summary does not have it.
func wordOf(topic Topic, heals bool) string {
	switch {
	case heals:
		return "healed"
	case topic == TaskRefused:
		return "refused"
	case topic == TaskUnknown:
		return "with an unknown outcome"
	case topic == TaskApproval:
		return "to be approved in WeData"
	case topic == TaskWaiting:
		return "waiting"
	case topic == TaskApplied:
		return "applied"
	default:
		return ""
	}
}

// add counts the outcome of a task; what the summary had of the task before counts no more.
func (s *summary) add(word string, e Event, now time.Time) {
	if s.outcomes == nil {
		*s = summary{source: s.source, outcomes: map[string]*Outcome{}, first: map[string]Event{}, at: map[string]string{}, began: s.began}
	}
	if s.began.IsZero() {
		s.began = now
	}
	id := e.key().String()
	if before := s.outcomes[s.at[id]]; before != nil {
		before.Count--
		before.Tasks = slices.DeleteFunc(before.Tasks, func(t string) bool { return t == e.label() })
	}
	s.at[id] = word
	o := s.outcomes[word]
	if o == nil {
		o = &Outcome{Outcome: word}
		s.outcomes[word] = o
		s.first[word] = e
	}
	o.Count++
	if len(o.Tasks) < maxFirst {
		o.Tasks = append(o.Tasks, e.label())
	}
}

// end returns the event that sums the release up, and begins anew; false if nothing was
// sent for it.
func (s *summary) end(now time.Time, note string) (Event, bool) {
	e := Event{Topic: ReleaseDone, Message: note}
	for _, w := range outcomeWords {
		o := s.outcomes[w.word]
		if o == nil || o.Count == 0 {
			continue
		}
		e.Outcomes = append(e.Outcomes, *o)
		e.Count += o.Count
		if e.Next == "" && w.state != "" {
			info := w.state.Info()
			if o.Count == 1 {
				info = info.For(s.first[w.word].key())
			}
			e.Next = nextFor(w.state, info)
		}
	}
	if took := now.Sub(s.began).Round(time.Second); e.Message == "" && took > 0 && !s.began.IsZero() {
		e.Message = fmt.Sprintf("in %v", took)
	}
	*s = summary{source: s.source}
	return e, e.Count > 0
}
