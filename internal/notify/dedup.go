package notify

import (
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// dedup knows what was sent. It is made of who and what, never of words. What a state
// knows to have happened before this program was started counts as sent.
type dedup struct {
	since   time.Time // when this program was started
	tasks   map[spec.Key]sent
	unknown map[spec.Key]release // sent as unknown, and not settled yet
	begun   bool
}

// sent is what was sent of the newest release of a task.
type sent struct {
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

// maxTasks bounds the tasks that are remembered. Beyond it all are forgotten, and
// something may be sent again.
const maxTasks = 100_000

func newDedup(now time.Time) dedup {
	return dedup{
		since: now, tasks: map[spec.Key]sent{}, unknown: map[spec.Key]release{},
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

// topicOf returns the topic of an outcome; empty if nobody is sent it.
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

// learn takes what the first plan shows to have happened for sent.
func (d *dedup) learn(p *plan.Plan) {
	if d.begun {
		return
	}
	d.begun = true
	for i := range p.Changes {
		have := p.Changes[i].Have
		if have == nil || have.Attempt == nil {
			continue
		}
		release := releaseOf(have.Attempt.Wanted)
		if topic := topicOf(have.Attempt.Outcome); topic != "" {
			d.news(have.Key, release, topic)
		}
	}
}

// news reports whether the topic was not sent yet of this release of the task, and
// takes it for sent.
func (d *dedup) news(key spec.Key, r release, topic Topic) bool {
	t := d.tasks[key]
	if t.release != r || t.topics == nil {
		if len(d.tasks) >= maxTasks {
			clear(d.tasks)
			clear(d.unknown)
		}
		delete(d.unknown, key)
		t = sent{release: r, topics: map[Topic]bool{}}
		d.tasks[key] = t
	}
	if t.topics[topic] {
		return false
	}
	t.topics[topic] = true
	switch topic {
	case TaskUnknown:
		d.unknown[key] = r
	case TaskPerson: // still unknown
	default:
		delete(d.unknown, key)
	}
	return true
}

// settled yields, in order, the releases that were unknown and are no longer, and
// forgets them.
func (d *dedup) settled(unknown map[spec.Key]bool) iter.Seq2[spec.Key, release] {
	keys := slices.SortedFunc(maps.Keys(d.unknown), spec.Key.Compare)
	return func(yield func(spec.Key, release) bool) {
		for _, k := range keys {
			if unknown[k] {
				continue
			}
			r := d.unknown[k]
			delete(d.unknown, k)
			if !yield(k, r) {
				return
			}
		}
	}
}
