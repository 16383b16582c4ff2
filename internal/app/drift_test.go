package app_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

var long = flag.Bool("long", false, "watch 1,000 days of ordinary use, not 5")

// TestDrift_NoFalseAlarms watches days of ordinary use of the console beside releases:
// people open tasks, lock and unlock them, write drafts and descriptions; jobs fail and
// are restarted by the platform; offline runs begin and end; and after each commit of
// the daemon WeData tells for some minutes how the task was before. None of that is
// reported. What people do change is, by the next look, with who it was; and nothing is
// ever sent because of it.
func TestDrift_NoFalseAlarms(t *testing.T) {
	days := 5
	if *long {
		days = 1000
	}
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t, plan.PolicyReport)
		stop := c.run(t)
		time.Sleep(time.Hour) // the first release
		for day := range days {
			c.ordinaryDay()
			if day%5 == 4 {
				c.badDay(t)
			}
		}
		stop()
		if diff := cmp.Diff(c.edits, c.reports); diff != "" {
			t.Errorf("what people changed and what was reported (-want +got):\n%s", diff)
		}
		if len(c.edits) != days/5*4 {
			t.Errorf("%d changes by people in %d days", len(c.edits), days)
		}
		if want := c.releases; c.commits != want {
			t.Errorf("%d commits, want %d: those of the releases", c.commits, want)
		}
		if c.stale == 0 {
			t.Error("WeData has never told how a task was before a commit: is the test looking at that?")
		}
		t.Logf("%d days: %d commits, %d reads that were out of date, %d changes by people", days, c.commits, c.stale, len(c.edits))
	})
}

const (
	realtimeTasks = 24
	offlineTasks  = 8
	lookEvery     = time.Hour
	passEvery     = 10 * time.Minute
	staleFor      = 5 * time.Minute // after a commit WeData may tell how the task was
)

// console is a daemon, the endpoint, and the people and jobs that use it.
type console struct {
	sim        *wedatasim.Server
	client     *wedata.Client
	reconciler *reconcile.Reconciler
	random     *rand.Rand
	specs      *spec.Set // as of the last poll
	versions   []int64

	mu       sync.Mutex
	pushed   []*spec.File
	before   map[spec.Key]before
	commits  int
	releases int
	stale    int
	edits    []string // by people, in order of key a day
	reports  []string
}

// before is how a task was before a commit of the daemon.
type before struct {
	at   time.Time
	seen drift.LiveTask
	was  bool // there was a task
}

// run starts the daemon, and returns what stops it.
func (c *console) run(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		// As Run does, but without listening to people twice a second for years.
		for ctx.Err() == nil {
			if _, err := c.reconciler.Once(ctx); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
			time.Sleep(passEvery)
		}
	})
	running.Go(func() { c.reconciler.Watch(ctx) })
	return func() { cancel(); running.Wait() }
}

func newConsole(t *testing.T, policy plan.DriftPolicy) *console {
	t.Helper()
	sim := wedatasim.New(wedatasim.Options{})
	t.Cleanup(func() { _ = sim.Close() })
	account := wedatasim.DefaultAccount()
	vars := map[string]string{"TENCENTCLOUD_SECRET_ID": account.SecretID, "TENCENTCLOUD_SECRET_KEY": account.SecretKey}
	credentials, err := wedata.FindCredentials(t.Context(), wedata.CredentialSources{Getenv: func(name string) string { return vars[name] }})
	if err != nil {
		t.Fatal(err)
	}
	client, err := wedata.New(wedata.Config{Endpoint: "http://127.0.0.1", Region: "ap-guangzhou", Credentials: credentials, Dial: sim.Dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	c := &console{
		sim: sim, client: client, random: rand.New(rand.NewPCG(1, 2)), specs: spec.NewSet(),
		versions: make([]int64, realtimeTasks+offlineTasks), before: map[spec.Key]before{},
	}
	for i := range c.versions {
		c.release(i, 1)
	}
	reads, id := pace.New(20), 0
	c.reconciler = reconcile.New(reconcile.Config{
		Source: c, Committer: c, Reader: client, Store: nowhere{}, Observer: c, Logger: slog.New(slog.DiscardHandler),
		Guards:  func() *plan.Guards { return new(plan.Guards) },
		Commits: pace.New(20), Reads: reads,
		Scanner:   &drift.Scanner{Lister: c, Describer: c, Lists: pace.New(drift.ScanRate), Describes: reads},
		ScanEvery: lasting(lookEvery), Policy: func() plan.DriftPolicy { return policy }, Horizon: lasting(310 * time.Second), Interval: lasting(passEvery),
		Random: func() float64 { return 0.5 },
		NewID:  func() string { id++; return fmt.Sprint(id) },
	}, state.NewRecords(), state.Control{})
	return c
}

func keyOf(i int) spec.Key { return spec.Key{ProjectID: "1", TaskID: fmt.Sprintf("t%02d", i)} }

// release asks in git for the next version of a task. The offline ones are submitted.
func (c *console) release(i int, version int64) {
	c.versions[i] = version
	commit := spec.Commit{Key: keyOf(i), CommitType: spec.Start, InstanceVersion: version}
	if i >= realtimeTasks {
		commit.CommitType, commit.TaskType = spec.Submit, spec.Offline
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pushed = append(c.pushed, &spec.File{Name: commit.TaskID, Commits: []*spec.Commit{&commit}})
	c.releases++
}

// ordinaryDay lets a day pass on which nobody does what matters, but for the releases.
func (c *console) ordinaryDay() {
	for range 24 {
		i := c.random.IntN(realtimeTasks)
		key, person := keyOf(i), fmt.Sprint(100000000000+c.random.IntN(5))
		act := func(a wedatasim.Act) {
			_, _ = c.sim.Act(key.ProjectID, key.TaskID, a) // the console may refuse: somebody has it open
		}
		switch c.random.IntN(7) {
		case 0:
			act(wedatasim.Act{Do: wedatasim.DeedLock, Operator: person})
			act(wedatasim.Act{Do: wedatasim.DeedEdit, Operator: person})
			c.pass(20 * time.Minute)
			act(wedatasim.Act{Do: wedatasim.DeedUnlock, Operator: person})
		case 1:
			act(wedatasim.Act{Do: wedatasim.DeedDescribe, Operator: person, Description: "seen by " + person})
		case 2:
			act(wedatasim.Act{Do: wedatasim.DeedFail})
			c.pass(10 * time.Minute)
			act(wedatasim.Act{Do: wedatasim.DeedRestart})
		case 3:
			c.fallOver(key)
		case 4:
			offline := keyOf(realtimeTasks + c.random.IntN(offlineTasks))
			c.sim.Edit(offline.ProjectID, offline.TaskID, func(t *wedatasim.Task) { t.Status, t.OperatorUIN = wedatasim.StatusRunning, "" })
			c.pass(15 * time.Minute)
			c.sim.Edit(offline.ProjectID, offline.TaskID, func(t *wedatasim.Task) { t.Status = wedatasim.StatusStopped })
		case 5:
			j := c.random.IntN(len(c.versions))
			c.release(j, c.versions[j]+1)
		}
		c.pass(time.Hour)
	}
}

// pass lets up to d pass.
func (c *console) pass(d time.Duration) { time.Sleep(d/2 + time.Duration(c.random.Int64N(int64(d/2)))) }

// fallOver has the platform start a job again and again. For some seconds each time it
// is stopped, as if somebody had done that.
func (c *console) fallOver(key spec.Key) {
	set := func(status int64) {
		c.sim.Edit(key.ProjectID, key.TaskID, func(t *wedatasim.Task) { t.Status, t.OperatorUIN = status, "" })
	}
	if task, _ := c.sim.Task(key.ProjectID, key.TaskID); task.Status != wedatasim.StatusRunning {
		return
	}
	for {
		set(5) // stopping
		time.Sleep(3 * time.Second)
		set(wedatasim.StatusStopped)
		time.Sleep(10 * time.Second)
		set(2) // in operation
		time.Sleep(8 * time.Second)
		set(wedatasim.StatusRunning)
		if c.random.IntN(20) == 0 {
			return
		}
		time.Sleep(time.Minute)
	}
}

// badDay is when people change what matters. The next look reports it, and the next
// releases bring it back to what git says.
func (c *console) badDay(t *testing.T) {
	c.pass(time.Hour) // whatever was committed is told of by now
	for i := range c.versions {
		key := keyOf(i)
		c.sim.Lock(key.ProjectID, key.TaskID, "")
	}
	tasks := c.random.Perm(realtimeTasks)[:4]
	slices.Sort(tasks)
	var want []string
	for n, i := range tasks {
		key, version := keyOf(i), c.versions[i]
		do := func(a wedatasim.Act) {
			a.Operator = "100028625403"
			if _, err := c.sim.Act(key.ProjectID, key.TaskID, a); err != nil {
				t.Error(err)
			}
		}
		kind, text := state.DriftStopped, "status running -> paused"
		switch n {
		case 0:
			do(wedatasim.Act{Do: wedatasim.DeedCommit})
			kind, text = state.DriftNewer, fmt.Sprintf("instanceVersion %d -> %d", version, version+1)
		case 1:
			do(wedatasim.Act{Do: wedatasim.DeedPause})
		case 2:
			do(wedatasim.Act{Do: wedatasim.DeedStop})
			text = "status running -> stopped"
		default:
			do(wedatasim.Act{Do: wedatasim.DeedCommit, InstanceVersion: version + 2})
			do(wedatasim.Act{Do: wedatasim.DeedStop})
			kind, text = state.DriftNewer, fmt.Sprintf("instanceVersion %d -> %d, status running -> stopped", version, version+2)
		}
		want = append(want, fmt.Sprintf("%s %s: %s, by 100028625403", key, kind, text))
	}
	c.edits = append(c.edits, want...)
	time.Sleep(lookEvery + 10*time.Minute)
	for _, i := range tasks {
		c.release(i, c.versions[i]+3)
	}
	time.Sleep(lookEvery + 10*time.Minute)
}

// Scanned implements [drift.Observer].
func (c *console) Scanned(_ *state.DriftScan, began, _ []state.Drift) {
	for _, d := range began {
		var fields []string
		for _, f := range d.Fields {
			fields = append(fields, fmt.Sprintf("%s %s -> %s", f.Name, f.Applied, f.Live))
		}
		c.reports = append(c.reports, fmt.Sprintf("%s %s: %s, by %s", d.Key, d.Kind, strings.Join(fields, ", "), d.Operator))
	}
}

func (c *console) Planned(*plan.Plan) {}

func (c *console) Passed(*reconcile.Result) {}

func (c *console) Called(change *plan.Change, _ *state.Record, out state.Outcome) {
	if out.Class == state.ClassApplied {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.commits++
	}
}

// Commit implements [reconcile.Committer], and remembers how the task was.
func (c *console) Commit(ctx context.Context, want *spec.Commit, gate pace.Gate) (state.Outcome, reconcile.Timing) {
	seen, err := c.client.Describe(ctx, want.Key, want.TaskType, nil)
	b := before{at: time.Now(), was: err == nil}
	if b.was {
		b.seen = *seen
	}
	out, timing := c.client.Commit(ctx, want, gate)
	if out.Class == state.ClassApplied {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.before[want.Key] = b
	}
	return out, timing
}

// outdated returns what WeData tells of a task for a while after a commit.
func (c *console) outdated(key spec.Key) (before, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, ok := c.before[key]
	if !ok || time.Since(b.at) > staleFor {
		return before{}, false
	}
	c.stale++
	return b, true
}

// Page implements [drift.Lister].
func (c *console) Page(ctx context.Context, q drift.Query, number int, gate pace.Gate) (drift.Page, error) {
	page, err := c.client.Page(ctx, q, number, gate)
	var tasks []drift.LiveTask
	for _, seen := range page.Tasks {
		switch b, ok := c.outdated(seen.Key); {
		case !ok:
			tasks = append(tasks, seen)
		case b.was:
			tasks = append(tasks, b.seen)
		}
	}
	page.Tasks = tasks
	return page, err
}

// Look implements [drift.Describer].
func (c *console) Describe(ctx context.Context, key spec.Key, taskType spec.TaskType, gate pace.Gate) (*drift.LiveTask, error) {
	b, ok := c.outdated(key)
	switch {
	case !ok:
		return c.client.Describe(ctx, key, taskType, gate)
	case !b.was:
		return nil, plan.ErrTaskGone
	default:
		return &b.seen, nil
	}
}

// Poll implements [reconcile.Source].
func (c *console) Poll(context.Context) (*reconcile.Revision, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.pushed {
		c.specs.Put(f)
	}
	c.pushed = nil
	return &reconcile.Revision{ID: fmt.Sprint(c.releases), Specs: c.specs}, nil
}

func (c *console) Descends(context.Context, string, string) (bool, error)  { return true, nil }
func (c *console) SameSpecs(context.Context, string, string) (bool, error) { return true, nil }

func (c *console) Close() error { return nil }

// nowhere is a ledger that takes everything and keeps nothing.
type nowhere struct{}

func (nowhere) Save(context.Context, state.Transition) error { return nil }

func (nowhere) PendingCommands(context.Context) ([]state.Command, error) { return nil, nil }

func (nowhere) HasPendingCommands(context.Context) (bool, error) { return false, nil }
func (nowhere) CommandsArrive() <-chan struct{}                  { return nil }

// lasting is a time that does not change.
func lasting(d time.Duration) func() time.Duration { return func() time.Duration { return d } }
