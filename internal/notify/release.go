package notify

import (
	"fmt"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
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
	{"not running", explain.NotRunning},
	{"not healthy", explain.Unhealthy},
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
	case topic == TaskNotRunning:
		return "not running"
	case topic == TaskUnhealthy:
		return "not healthy"
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

// has reports whether the summary has an outcome of the task.
func (s *summary) has(key spec.Key) bool { return s.at[key.String()] != "" }

// underWay reports whether a commit of the plan is still read until it is live, or its task
// until it is healthy. An approval in WeData can take days, and counts as an outcome.
func underWay(left *plan.Plan) bool {
	return slices.ContainsFunc(left.Changes, func(c plan.Change) bool {
		switch {
		case c.Action != plan.ActionFollow || c.NotRunning() || c.Unhealthy() || c.NotLive():
			return false
		default:
			return !c.Have.Accepted() || c.Have.Attempt.Outcome.TaskApproveID == ""
		}
	})
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

// endRelease sends the summary of what was sent for the revision. It needs mu.
func (n *Notifier) endRelease(note string) {
	source := n.source
	n.source = n.release.source
	if e, ok := n.release.end(time.Now(), note); ok {
		n.inform(e)
	}
	n.source = source
}

// settle notes unknown outcomes, and what reading back has found: a task whose outcome was
// unknown, and that is in sync now, was applied.
func (n *Notifier) settle(left *plan.Plan) {
	unknown, open := map[spec.Key]bool{}, map[spec.Key]bool{}
	for i := range left.Changes {
		c := &left.Changes[i]
		if c.Hold == plan.HoldUnknown && c.Want != nil && c.Have != nil && c.Have.Attempt != nil {
			unknown[c.Key] = true
			n.noteUnknown(c)
		}
		if _, was := n.sent.unknown[c.Key]; was && c.Action != plan.ActionUnversioned && c.Action != plan.ActionFollow {
			open[c.Key] = true
		}
	}
	for key, release := range n.sent.settled(unknown) {
		if !open[key] && n.sent.news(key, release, TaskApplied) {
			e := Event{Topic: TaskApplied, Project: key.ProjectID, Task: key.TaskID, Version: release.version, Message: "as reading back shows"}
			n.release.add(wordOf(TaskApplied, false), n.named(e), time.Now())
			n.inform(e)
		}
	}
}

// noteUnknown notes that an outcome is in doubt.
func (n *Notifier) noteUnknown(c *plan.Change) {
	a := c.Have.Attempt
	if needsPerson(c) || !n.sent.news(c.Key, releaseOf(a.Wanted), TaskUnknown) {
		return
	}
	e := about(c)
	e.Topic, e.Code, e.Message = TaskUnknown, a.Outcome.Code, a.Outcome.Message
	n.release.add(wordOf(TaskUnknown, false), n.named(e), time.Now())
	n.inform(e)
}
