package notify

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
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

// Notifier notifies people of what a reconciler does. It never makes one wait: events are
// queued, and sent while Run runs. What requires action is kept until each receiver was
// notified of it, across restarts if there is a [Keeper].
type Notifier struct {
	mu       sync.Mutex
	settings Settings
	box      *outbox
	to       dispatcher
	running  map[sender]func()                                      // ends each sender that runs
	launch   func(run func(ctx, stop context.Context)) (end func()) // nil while Run does not run
	sent     dedup
	release  summary          // of the revision under way
	source   plan.SourceInfo  // of the plan under way
	wanted   spec.Commits     // of the same plan: the names of tasks
	scan     *state.DriftScan // the last; nil before the first
}

var (
	_ reconcile.Observer = (*Notifier)(nil)
	_ drift.Observer     = (*Notifier)(nil)
)

// New checks the settings, and reads the secrets once to see that they are there.
// It sends nothing.
func New(s Settings) (*Notifier, error) {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	box := newOutbox(s.Logger)
	to, err := open(&s, dispatcher{}, &Settings{}, box)
	if err != nil {
		return nil, err
	}
	return &Notifier{settings: s, box: box, to: to, running: map[sender]func(){}, sent: newDedup(time.Now())}, nil
}

// Restore has the notifier go on where it was: what receivers were notified of, and have
// still to be, is kept by keeper from now on. open are the records with which something is
// open, and scan is the last scan for drift; it may be nil. It is called before anything is
// observed: what requires action by them is sent even if the specs ask for something else by
// now.
func (n *Notifier) Restore(ctx context.Context, keeper Keeper, open iter.Seq[*state.Record], scan *state.DriftScan) error {
	notices, err := keeper.Notices(ctx)
	if err != nil {
		return fmt.Errorf("read what was notified: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.box.keeper, n.scan = keeper, scan
	for _, notice := range notices {
		n.to.load(notice, n.box)
	}
	for rec := range open {
		c, ok := recordCondition(rec)
		if !ok {
			continue
		}
		n.source = plan.SourceInfo{Revision: c.event.Revision, Author: c.event.Author}
		n.require(c, true)
	}
	n.source = plan.SourceInfo{}
	return nil
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
	stop, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var keeping sync.WaitGroup
	keeping.Go(func() { n.box.run(context.WithoutCancel(ctx), stop) })
	<-ctx.Done()
	n.mu.Lock()
	n.launch = nil
	n.mu.Unlock()
	running.Wait()
	cancel()
	keeping.Wait()
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
	for _, q := range n.to.senders() {
		all = append(all, q.count())
	}
	return all
}

// Planned notes what the calls to come are for, and sends what requires action since the
// last process.
func (n *Notifier) Planned(p *plan.Plan) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.to.none() {
		return
	}
	if p.Source.Revision != n.release.source.Revision {
		n.endRelease("overtaken by " + plan.Short(p.Source.Revision))
	}
	n.follow(p)
	n.sent.learn(p)
	for _, c := range append(taskConditions(p), n.driftConditions()...) {
		n.require(c, true)
	}
	for _, c := range n.to.channels {
		c.begin()
	}
	if calls := p.Count(plan.ActionCommit); calls > 0 && len(p.Holds) == 0 {
		n.setStatus(forge.StatePending, text.Plural(calls, "commit")+" under way")
	}
}

// follow notes which plan is under way. It needs mu.
func (n *Notifier) follow(p *plan.Plan) {
	n.source, n.wanted, n.release.source = p.Source, p.Wanted, p.Source
}

// Called notes the outcome of a call.
func (n *Notifier) Called(c *plan.Change, next *state.Record, out state.Outcome) {
	topic := topicOf(out)
	if topic == "" {
		return // it is tried again, or all is paused: see Passed
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.to.none() {
		return
	}
	heals := c.Reason == plan.ReasonDrift && topic == TaskApplied // which is news each time
	news := n.sent.news(c.Key, wantedOf(c), topic) || heals
	e := about(c)
	e.Topic, e.Code, e.Message = topic, out.Code, out.Message
	if heals && e.Message == "" {
		e.Message = c.Detail
	}
	if news {
		n.release.add(wordOf(topic, heals), n.named(e), time.Now())
	}
	switch {
	case topic.Required():
		e.State = stateAfter(next, topic)
		n.require(conditionOf(e, wantedOf(c)), false)
	case news:
		n.inform(e)
	}
}

// stateAfter is the state of a task whose call has come to an outcome that requires action.
func stateAfter(next *state.Record, topic Topic) explain.State {
	switch {
	case topic == TaskApproval:
		return explain.Approval
	case next != nil && next.Attempt != nil:
		return explain.StateAfter(next)
	default:
		return explain.Refused
	}
}

// Passed sends what a pass has left, and the status of the revision.
func (n *Notifier) Passed(r *reconcile.Result) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.to.none() {
		return
	}
	n.follow(r.Left)
	n.scan = r.Scan
	n.settle(r.Left)
	lasting := map[string]bool{}
	for _, list := range [][]condition{taskConditions(r.Left), planConditions(r.Left), pauseConditions(r.Pauses), n.driftConditions()} {
		for _, c := range list {
			for _, id := range c.ids() {
				lasting[id] = true
			}
			n.require(c, false)
			if t := c.event.Topic; (t == TaskNotRunning || t == TaskUnhealthy) && n.release.has(c.event.key()) {
				n.release.add(wordOf(t, false), n.named(c.event), time.Now())
			}
		}
	}
	n.forget(lasting)
	if !r.Superseded && (len(r.Left.Holds) > 0 || r.Left.Count(plan.ActionCommit) == 0 && !underWay(r.Left)) {
		n.endRelease("")
	}
	n.setStatus(statusOf(r, time.Now()))
}

// Scanned notes which tasks have drifted.
func (n *Notifier) Scanned(scan *state.DriftScan, began, _ []state.Drift) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.scan = scan
	for _, c := range driftConditions(began) {
		n.require(c, false)
	}
}

// driftConditions lists the tasks that have drifted, as the last scan has them. It needs mu.
func (n *Notifier) driftConditions() []condition {
	if n.scan == nil {
		return nil
	}
	return driftConditions(n.scan.Drifted)
}

// require has each receiver notified of a condition, once for as long as it lasts. What the
// state knew before a receiver was there is no news for it. It needs mu.
func (n *Notifier) require(c condition, old bool) {
	old = old || !c.since.IsZero() && c.since.Before(n.sent.since) && c.event.Topic == SendsPaused
	var e *Event
	for _, ch := range n.to.channels {
		switch {
		case !ch.wants(c.event.Topic):
		case old && ch.isFresh():
			for _, id := range c.ids() {
				ch.know(id)
			}
		default:
			if e == nil {
				e = n.dated(c.event)
			}
			ch.require(c.ids(), e)
		}
	}
}

// forget has the receivers forget what is over. A scan for drift that has found more than
// it keeps does not tell what is. It needs mu.
func (n *Notifier) forget(lasting map[string]bool) {
	partial := n.scan != nil && n.scan.Count() > len(n.scan.Drifted)
	lasts := func(id string) bool {
		return lasting[id] || partial && strings.HasPrefix(id, string(TaskDrifted)+" ")
	}
	for _, ch := range n.to.channels {
		ch.settled(lasts)
	}
}

// maxField bounds what a message repeats of a text from outside, in bytes.
const maxField = 300

func oneLine(s string) string { return text.OneLine(s, maxField) }

// inform queues an event that requires no action, for the receivers that are for its topic.
// It needs mu.
func (n *Notifier) inform(e Event) {
	var dated *Event
	for _, ch := range n.to.channels {
		if !ch.wants(e.Topic) {
			continue
		}
		if dated == nil {
			dated = n.dated(e)
		}
		ch.add(dated)
	}
}

// named returns the event with the name of its task.
func (n *Notifier) named(e Event) Event {
	if e.Name == "" && e.Task != "" {
		if want := n.wanted.Find(e.key()); want != nil {
			e.Name = want.Name
		}
	}
	return e
}

// dated returns the event with an id, the time and where it comes from.
func (n *Notifier) dated(e Event) *Event {
	e = n.named(e).mapped(oneLine)
	e.ID, e.At, e.Link = n.settings.NewID(), time.Now(), n.settings.Link
	e.Source, e.Branch, e.Revision, e.Author = oneLine(n.source.URL), oneLine(n.source.Branch), oneLine(n.source.Revision), oneLine(n.source.Author)
	return &e
}

// setStatus has the forge show how the revision stands.
func (n *Notifier) setStatus(state forge.State, text string) {
	if n.to.statuses != nil {
		n.to.statuses.set(commitStatus{n.source.Revision, state, text})
	}
}
