package wedatasim

import (
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// world is what the endpoint holds: tasks, approvals and requests. Its methods other
// than later are called with mu held.
type world struct {
	mu       sync.Mutex
	opts     Options
	rand     *rand.Rand
	log      requestLog
	sequence int64 // of what took effect

	tasks map[taskKey]*Task
	pasts map[taskKey][]past // oldest first
	reads map[taskKey]int    // that drew a lag

	approvals   []*Approval
	approvalsOf map[taskKey]int // that end by schedule
	asked       int             // approvals so far
}

func newWorld(opts Options) world {
	return world{
		opts:        opts,
		rand:        rand.New(rand.NewPCG(opts.Seed, 0)),
		log:         requestLog{out: opts.Ledger},
		tasks:       make(map[taskKey]*Task),
		pasts:       make(map[taskKey][]past),
		reads:       make(map[taskKey]int),
		approvalsOf: make(map[taskKey]int),
	}
}

// now is the time by the server's clock.
func (w *world) now() time.Time { return time.Now().Add(w.opts.Behavior.Skew) }

// later calls f after d, with mu held.
func (w *world) later(d time.Duration, f func()) {
	time.AfterFunc(d, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		f()
	})
}

// id returns a random id in the form of a UUID.
func (w *world) id() string {
	var b [16]byte
	for i := range b {
		b[i] = byte(w.rand.UintN(256))
	}
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// write appends the entry with the number to Options.Ledger.
func (w *world) write(n int) {
	if err := w.log.write(n); err != nil {
		w.opts.Logger.Error("write ledger", "error", err)
	}
}

// chance is a number in [0, 1) that depends on the seed and on what it is for, and
// not on when it is asked: the same seed is the same world, however goroutines are
// scheduled.
func (w *world) chance(what string, key taskKey, n int) float64 {
	h := w.opts.Seed*0x9e3779b97f4a7c15 + 0xcbf29ce484222325
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
func (w *world) drawn(most time.Duration, what string, key taskKey, n int) time.Duration {
	return time.Duration(w.chance(what, key, n) * float64(most))
}

// taskOrNew returns the task, made if there is none.
func (w *world) taskOrNew(key taskKey, taskType int64) *Task {
	t, ok := w.tasks[key]
	if !ok {
		now := w.now()
		t = &Task{ProjectID: key.project, TaskID: key.task, TaskType: taskType, Name: "task " + key.task, CreateTime: now, UpdateTime: now}
		w.tasks[key] = t
	}
	return t
}

// carryOut makes a commit take effect, or wait for an approval.
func (w *world) carryOut(v *visit) {
	commit, ok := v.call.(*commitParams)
	if !ok {
		return
	}
	commit.by, commit.fails = v.account.UIN, v.fault.Fails
	switch {
	case v.fault.Effect == EffectNever:
		commit.approveID = v.fault.ApproveID
	case v.fault.ApproveID != "" || w.opts.Behavior.Approvals.wanted(commit.key()):
		w.ask(v.n, commit, v.fault.ApproveID)
	default:
		w.apply(v.n, commit)
	}
}

// apply makes a commit take effect, and records that it did.
func (w *world) apply(n int, p *commitParams) {
	w.commit(p)
	w.sequence++
	e := w.log.entry(n)
	e.Applied, e.Sequence, e.AppliedAt = true, w.sequence, w.now()
}

// commit makes a commit take effect.
func (w *world) commit(p *commitParams) {
	w.remember(p.key())
	t := w.taskOrNew(p.key(), p.taskType())
	if p.CommitType != 0 {
		t.settle(w.now())
	}
	wasRunning := t.Status == StatusRunning
	t.TaskType, t.OperatorUIN = p.taskType(), p.by
	t.ExtConfig = p.ExtConfig
	t.submit(p.InstanceVersion)
	if p.CommitType != 0 {
		t.run(w.now())
	}
	if p.CommitType != 0 && wasRunning {
		t.NumRestarts++
	}
	if p.CommitType == 2 || p.CommitType > 2 && t.NoSavepoint {
		t.Discarded++
	}
	if p.CommitType != 0 && p.fails {
		t.Status = StatusFailed
	}
	w.operate(t, Operate{
		Event:           string(DeedCommit),
		OperatorUIN:     p.by,
		InstanceVersion: t.InstanceVersion,
		CommitType:      p.CommitType,
		VersionDesc:     p.VersionDesc,
	})
}

// operate records an operation on the task.
func (w *world) operate(t *Task, o Operate) {
	o.OperateID, o.At, o.NumRestarts = w.id(), w.now(), t.NumRestarts
	t.OperateID, t.UpdateTime = o.OperateID, o.At
	if len(t.Operations) == maxOperations {
		t.Operations = slices.Clone(t.Operations[maxOperations/2:]) // clones have the others
	}
	t.Operations = append(t.Operations, o)
}

// maxOperations bounds what is kept of the operations of one task.
const maxOperations = 1 << 10

// shapeOf says how reads tell the task.
func (w *world) shapeOf(t *Task) *Shape { return w.opts.Behavior.Profile.of(t.TaskType) }

// past is how a task was until a time.
type past struct {
	until time.Time // when it became another
	task  *Task     // nil: there was none
}

// remember keeps how the task is, as long as a read may still show it. It comes
// before every change.
func (w *world) remember(key taskKey) {
	lag := w.opts.Behavior.ReadLag
	if lag == 0 {
		delete(w.pasts, key)
		return
	}
	now := w.now()
	kept := slices.DeleteFunc(w.pasts[key], func(p past) bool { return now.Sub(p.until) >= lag })
	var was *Task
	if t, ok := w.tasks[key]; ok {
		was = new(t.clone())
	}
	w.pasts[key] = append(kept, past{now, was})
}

// lag draws how old the state is that the next read of the key shows.
func (w *world) lag(key taskKey) time.Duration {
	if w.opts.Behavior.ReadLag == 0 {
		return 0
	}
	w.reads[key]++
	return w.drawn(w.opts.Behavior.ReadLag, "lag", key, w.reads[key])
}

// seen returns the task as it was so long ago, nil if there was none.
func (w *world) seen(key taskKey, lag time.Duration) *Task {
	if lag > 0 {
		at := w.now().Add(-lag)
		for _, p := range w.pasts[key] {
			if p.until.After(at) {
				return p.task.lived(at)
			}
		}
	}
	return w.tasks[key].lived(w.now().Add(-lag))
}

// allSeen returns all tasks as they were so long ago.
func (w *world) allSeen(lag time.Duration) []*Task {
	list := make([]*Task, 0, len(w.tasks))
	for key := range w.tasks {
		if t := w.seen(key, lag); t != nil {
			list = append(list, t)
		}
	}
	for key := range w.pasts {
		if _, ok := w.tasks[key]; ok {
			continue
		}
		if t := w.seen(key, lag); t != nil {
			list = append(list, t)
		}
	}
	return list
}
