package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Settings say who is sent what a reconciler does.
type Settings struct {
	Link string // of the status page; may be empty

	// Forge is where commits get a status; its PullRequest does not count. Nil is
	// nowhere.
	Forge *forge.Config
	// Context tells the commit status from those of others; empty is "wedatasync".
	Context string

	Channels  []Channel
	CAFile    string            // more authorities the channels' servers may have, in PEM; may be empty
	Transport http.RoundTripper // for the channels; nil is one of its own
	// PlainHosts are where secrets may be sent to without encryption.
	PlainHosts secret.PlainHosts

	NewID  func() string // makes a unique id for each event, such as rand.Text
	Logger *slog.Logger
}

// Notifier sends people what a reconciler does. It never makes one wait: events are
// queued, and sent while Run runs. Each outcome of a version of a task is sent once,
// whatever the words in it.
type Notifier struct {
	mu       sync.Mutex
	settings Settings
	to       dispatcher
	running  map[sender]func()                                      // ends each queue that runs
	launch   func(run func(ctx, stop context.Context)) (end func()) // nil while Run does not run
	sent     dedup
	source   plan.SourceInfo // of the plan under way
	wanted   spec.Commits    // of the same plan: the names of tasks
	last     commitStatus    // that was queued
}

var (
	_ reconcile.Observer = (*Notifier)(nil)
	_ drift.Observer     = (*Notifier)(nil)
)

// commitStatus is the status of one revision.
type commitStatus struct {
	revision string
	state    forge.State
	text     string
}

// New checks the settings, and reads the secrets once to see that they are there.
// It sends nothing.
func New(s Settings) (*Notifier, error) {
	to, err := open(&s, dispatcher{}, &Settings{})
	if err != nil {
		return nil, err
	}
	return &Notifier{settings: s, to: to, running: map[sender]func(){}, sent: newDedup(time.Now())}, nil
}

// Run sends what is queued until ctx is done, and then, for 5 s at the most, what is
// left.
func (n *Notifier) Run(ctx context.Context) {
	var running sync.WaitGroup
	n.mu.Lock()
	n.launch = func(run func(ctx, stop context.Context)) (end func()) {
		stop, cancel := context.WithCancel(ctx)
		running.Go(func() {
			defer cancel()
			runUntil(ctx, stop, run)
		})
		return cancel
	}
	n.start()
	n.mu.Unlock()
	<-ctx.Done()
	n.mu.Lock()
	n.launch = nil
	n.mu.Unlock()
	running.Wait()
}

// grace is how long Run goes on to send what is queued when it is to end.
const grace = 5 * time.Second

// errOver is why something is not sent at the end.
var errOver = errors.New("the program ends")

// product is the name by which receivers know us.
const product = "wedatasync"

// runUntil runs a queue until stop is done, and until a grace period after ctx at
// the most.
func runUntil(ctx, stop context.Context, run func(ctx, stop context.Context)) {
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	ends := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, func() { cancel(errOver) })
		context.AfterFunc(work, func() { timer.Stop() })
	})
	defer ends()
	run(work, stop)
}

// Close closes the connections that are idle.
func (n *Notifier) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.to.close()
}

// Stats counts what became of the events and statuses, for each receiver.
func (n *Notifier) Stats() []Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []Stats
	for _, q := range n.to.queues() {
		all = append(all, q.count())
	}
	return all
}

// Planned notes what the calls to come are for.
func (n *Notifier) Planned(p *plan.Plan) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.to.none() {
		return
	}
	n.source, n.wanted = p.Source, p.Wanted
	n.sent.learn(p)
	if calls := p.Count(plan.ActionCommit); calls > 0 && len(p.Holds) == 0 {
		n.enqueueStatus(forge.StatePending, text.Plural(calls, "commit")+" under way")
	}
}

// Called sends the outcome of a call.
func (n *Notifier) Called(c *plan.Change, _ *state.Record, out state.Outcome) {
	topic := topicOf(out)
	if topic == "" {
		return // it is tried again, or all is paused: see Passed
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	heals := c.Reason == plan.ReasonDrift && topic == TaskApplied // which is news each time
	if n.to.none() || !n.sent.news(c.Key, releaseOf(plan.AppliedOf(c.Want, "")), topic) && !heals {
		return
	}
	e := n.about(c)
	e.Topic, e.Code, e.Message = topic, out.Code, out.Message
	if heals && e.Message == "" {
		e.Message = c.Detail
	}
	n.enqueue(e)
}

// Passed sends what a pass has left, and the status of the revision.
func (n *Notifier) Passed(r *reconcile.Result) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.to.none() {
		return
	}
	n.source, n.wanted = r.Left.Source, r.Left.Wanted
	n.settle(r.Left)
	n.sendPlan(r)
	n.enqueueStatus(statusOf(r, time.Now()))
}

// Scanned sends which tasks have drifted. The state remembers that they have, so that
// each is sent once, also when this program is started again.
func (n *Notifier) Scanned(_ *state.DriftScan, began, _ []state.Drift) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range began {
		d := &began[i]
		n.enqueue(Event{
			Topic: TaskDrifted, Project: d.Key.ProjectID, Task: d.Key.TaskID,
			Code: string(d.Kind), Message: driftText(d),
		})
	}
}

// driftText says what differs, and who did it.
func driftText(d *state.Drift) string {
	var parts []string
	for _, f := range d.Fields {
		parts = append(parts, fmt.Sprintf("%s %s -> %s", f.Name, f.Applied, f.Live))
	}
	if d.Operator != "" {
		parts = append(parts, "by "+d.Operator)
	}
	if d.OperatedAt != "" {
		parts = append(parts, d.OperatedAt)
	}
	if d.WhyReported != "" {
		parts = append(parts, d.WhyReported)
	}
	return strings.Join(parts, ", ")
}

// settle sends what is in doubt, and what reading back has come to: a task that was
// unknown and is as its spec says now was applied.
func (n *Notifier) settle(left *plan.Plan) {
	unknown, open := map[spec.Key]bool{}, map[spec.Key]bool{}
	for i := range left.Changes {
		c := &left.Changes[i]
		if c.Hold == plan.HoldUnknown && c.Want != nil && c.Have != nil && c.Have.Attempt != nil {
			unknown[c.Key] = true
			n.sendUnknown(c)
		}
		if c.NotRunning() {
			n.sendNotRunning(c)
		}
		if _, was := n.sent.unknown[c.Key]; was && c.Action != plan.ActionUnversioned && c.Action != plan.ActionFollow {
			open[c.Key] = true
		}
	}
	for key, release := range n.sent.settled(unknown) {
		if !open[key] && n.sent.news(key, release, TaskApplied) {
			n.enqueue(Event{Topic: TaskApplied, Project: key.ProjectID, Task: key.TaskID, Version: release.version, Message: "as reading back shows"})
		}
	}
}

// sendUnknown says that an outcome is in doubt, and when only a person can say it.
func (n *Notifier) sendUnknown(c *plan.Change) {
	a := c.Have.Attempt
	e := n.about(c)
	e.Topic, e.Version, e.CommitType, e.Code, e.Message = TaskUnknown, a.Wanted.InstanceVersion, a.Wanted.CommitType.String(), a.Outcome.Code, a.Outcome.Message
	if needsPerson(c) {
		e.Topic, e.Code, e.Message = TaskPerson, "", a.NeedsOperator
	}
	if n.sent.news(c.Key, releaseOf(a.Wanted), e.Topic) {
		n.enqueue(e)
	}
}

// sendNotRunning says that what was applied did not come to run.
func (n *Notifier) sendNotRunning(c *plan.Change) {
	applied := c.Have.Applied
	if n.sent.news(c.Key, releaseOf(*applied), TaskNotRunning) {
		e := n.about(c)
		e.Topic, e.Message = TaskNotRunning, applied.Run.Detail
		n.enqueue(e)
	}
}

// sendPlan sends what is wrong with all of a pass.
func (n *Notifier) sendPlan(r *reconcile.Result) {
	left := r.Left
	id := []string{left.Hash}
	for _, h := range left.Holds {
		id = append(id, h.Guard)
	}
	held := Event{Topic: PlanHeld, PlanHash: left.Hash, Count: left.Count(plan.ActionCommit)}
	if len(left.Holds) > 0 {
		held.Code, held.Message = left.Holds[0].Guard, left.Holds[0].Message
	}
	n.sendOnce(len(left.Holds) > 0, strings.Join(id, " "), held)
	errors := left.Problems.Errors()
	n.sendOnce(errors > 0, left.Source.Revision, Event{Topic: SpecsInvalid, Count: errors})
	for _, p := range r.Pauses {
		if n.sent.pause(p) {
			n.enqueue(Event{Topic: SendsPaused, Project: p.ProjectID, Code: p.Code, Message: p.Message})
		}
	}
	n.sent.resumed(r.Pauses)
}

// sendOnce sends an event about a plan, once for each id in a row.
func (n *Notifier) sendOnce(is bool, id string, e Event) {
	if !is {
		id = ""
	}
	if n.sent.plans[e.Topic] == id {
		return
	}
	n.sent.plans[e.Topic] = id
	if is {
		n.enqueue(e)
	}
}

// about makes an event about a task.
func (n *Notifier) about(c *plan.Change) Event {
	return Event{
		Project: c.Key.ProjectID, Task: c.Key.TaskID, Version: c.Want.InstanceVersion, CommitType: c.Want.CommitType.String(),
		File: c.Want.Pos.File, Line: c.Want.Pos.Line,
	}
}

// maxField bounds what a message repeats of a text from outside, in bytes.
const maxField = 300

func oneLine(s string) string { return text.OneLine(s, maxField) }

// enqueue queues an event for all channels.
func (n *Notifier) enqueue(e Event) {
	if want := n.wanted.Find(spec.Key{ProjectID: e.Project, TaskID: e.Task}); want != nil {
		e.Name = want.Name
	}
	e = e.mapped(oneLine)
	e.ID, e.At, e.Link = n.settings.NewID(), time.Now(), n.settings.Link
	e.Source, e.Branch, e.Revision, e.Author = oneLine(n.source.URL), oneLine(n.source.Branch), oneLine(n.source.Revision), oneLine(n.source.Author)
	for _, c := range n.to.channels {
		c.enqueue(e)
	}
}

// enqueueStatus queues the status of the revision, if it differs from the one before.
func (n *Notifier) enqueueStatus(state forge.State, text string) {
	s := commitStatus{n.source.Revision, state, text}
	if n.to.statuses == nil || !forge.IsRevision(s.revision) || s == n.last {
		return
	}
	n.last = s
	n.to.statuses.add(s)
}
