package notify

import (
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// memory is what was told. It is made of who and what, never of words. What a state
// knows to have happened before this program was started counts as told.
type memory struct {
	since   time.Time // when this program was started
	tasks   map[spec.Key]told
	unknown map[spec.Key]release // told to be unknown, and not settled yet
	plans   map[Topic]string     // what was told last
	pauses  map[pause]bool       // that are on
	begun   bool
}

// told is what was told of the newest release of a task.
type told struct {
	release release
	topics  map[Topic]bool
}

// release is what makes a commit another one than the one before.
type release struct {
	version int64
	rerun   string
	runs    bool
	content spec.Digest // of a spec without a version
}

// pause is what sends are paused for.
type pause struct{ project, code string }

// maxTold bounds the tasks that are remembered. Beyond it all are forgotten, and
// something may be told again.
const maxTold = 100_000

func newMemory(now time.Time) memory {
	return memory{
		since: now, tasks: map[spec.Key]told{}, unknown: map[spec.Key]release{},
		plans: map[Topic]string{}, pauses: map[pause]bool{},
	}
}

// releaseOf says which release an attempt is for.
func releaseOf(wanted state.Applied) release {
	r := release{version: wanted.InstanceVersion, rerun: wanted.Rerun, runs: wanted.CommitType.Runs()}
	if r.version == 0 {
		r.content = wanted.Content
	}
	return r
}

// topicOf returns what an outcome is told as; empty if it is not.
func topicOf(out state.Outcome) Topic {
	switch {
	case out.Class == state.ClassApplied && out.TaskApproveID != "":
		return TaskApproval
	case out.Class == state.ClassApplied:
		return TaskApplied
	case out.Class == state.ClassWaiting:
		return TaskWaiting
	case out.Class == state.ClassRefused:
		return TaskRefused
	case out.Class == state.ClassUnknown:
		return TaskUnknown
	default:
		return ""
	}
}

// learn takes what the first plan shows to have happened for told.
func (m *memory) learn(p *reconcile.Plan) {
	if m.begun {
		return
	}
	m.begun = true
	for i := range p.Changes {
		have := p.Changes[i].Have
		if p.Changes[i].NotRunning() {
			m.news(have.Key, releaseOf(*have.Applied), TaskNotRunning)
		}
		if have == nil || have.Attempt == nil {
			continue
		}
		release := releaseOf(have.Attempt.Wanted)
		if topic := topicOf(have.Attempt.Outcome); topic != "" {
			m.news(have.Key, release, topic)
		}
		if have.Attempt.NeedsPerson != "" {
			m.news(have.Key, release, TaskPerson)
		}
	}
}

// news reports whether the topic was not told yet of this release of the task, and
// takes it for told.
func (m *memory) news(key spec.Key, r release, topic Topic) bool {
	t := m.tasks[key]
	if t.release != r || t.topics == nil {
		if len(m.tasks) >= maxTold {
			clear(m.tasks)
			clear(m.unknown)
		}
		delete(m.unknown, key)
		t = told{release: r, topics: map[Topic]bool{}}
		m.tasks[key] = t
	}
	if t.topics[topic] {
		return false
	}
	t.topics[topic] = true
	switch topic {
	case TaskUnknown:
		m.unknown[key] = r
	case TaskPerson: // still unknown
	default:
		delete(m.unknown, key)
	}
	return true
}

// settled yields, in order, the releases that were unknown and are no longer, and
// forgets them.
func (m *memory) settled(unknown map[spec.Key]bool) iter.Seq2[spec.Key, release] {
	keys := slices.SortedFunc(maps.Keys(m.unknown), spec.Key.Compare)
	return func(yield func(spec.Key, release) bool) {
		for _, k := range keys {
			if unknown[k] {
				continue
			}
			r := m.unknown[k]
			delete(m.unknown, k)
			if !yield(k, r) {
				return
			}
		}
	}
}

// pause reports whether a pause was not told yet.
func (m *memory) pause(p state.Pause) bool {
	id := pause{p.ProjectID, p.Code}
	told := m.pauses[id] || p.Since.Before(m.since)
	m.pauses[id] = true
	return !told
}

// resumed forgets the pauses that are over.
func (m *memory) resumed(now []state.Pause) {
	still := map[pause]bool{}
	for _, p := range now {
		still[pause{p.ProjectID, p.Code}] = true
	}
	m.pauses = still
}
