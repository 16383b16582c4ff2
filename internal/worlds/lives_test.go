package worlds_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestLives lets drawn jobs live after their commits: they catch up or never do, restart,
// fail after a while, take their time to start, or are silent. Each gets the right verdict,
// which is told once, whatever reads lag and whenever the daemon is restarted; and what
// depends on a job is sent exactly if the job is healthy.
func TestLives(t *testing.T) {
	if *seed != 0 {
		t.Skip("one world alone")
	}
	days, verdicts := 40, map[string]int{}
	if *long {
		days = 1000
	}
	for s := range uint64(days) {
		synctest.Test(t, func(t *testing.T) {
			d := newDay(s)
			d.live(t)
			verdicts[d.name+": "+d.judge(t)]++
		})
	}
	for _, verdict := range slices.Sorted(maps.Keys(verdicts)) {
		t.Logf("%4d %s", verdicts[verdict], verdict)
	}
	if len(verdicts) < 9 {
		t.Errorf("too few kinds of lives: %v", verdicts)
	}
}

// day is a daemon with one job, and a task that depends on it.
type day struct {
	seed     uint64
	random   *rand.Rand
	sim      *wedatasim.Server
	name     string
	life     wedatasim.Life
	restarts int64 // that are allowed
	want     state.RunStatus
	why      string // that the detail begins with

	specs   *spec.Set
	mu      sync.Mutex
	records map[spec.Key]*state.Record
	control state.Control
	told    []string // verdicts, in order
}

var jobKey, dependantKey = spec.Key{ProjectID: project, TaskID: "job"}, spec.Key{ProjectID: project, TaskID: "dependant"}

// newDay draws a day.
func newDay(seed uint64) *day {
	d := &day{seed: seed, random: rand.New(rand.NewPCG(seed, 23)), records: map[spec.Key]*state.Record{}, specs: spec.NewSet()}
	between := func(from, to int64) int64 { return from + d.random.Int64N(to-from+1) }
	b := wedatasim.Behavior{}
	d.want = state.RunRunning
	switch seed % 10 {
	case 0:
		d.name = "healthy"
	case 1:
		d.name, d.life = "catches up", wedatasim.Life{Lag: between(100, 2000), CatchUp: between(60, 1200), FullPhase: between(0, 600)}
	case 2:
		d.name, d.life = "never catches up", wedatasim.Life{Lag: between(60, 2000)}
		d.want, d.why = state.RunUnhealthy, "its lag is "
	case 3:
		d.name, d.life = "lag is never known", wedatasim.Life{Lag: -1}
		d.want, d.why = state.RunUnhealthy, "WeData does not report the lag"
	case 4:
		d.name, d.life = "restart loop", wedatasim.Life{RestartEvery: between(20, 300)}
		d.want, d.why = state.RunUnhealthy, "restarted "
	case 5:
		d.name, d.restarts, d.life = "restarts as often as it may", 3, wedatasim.Life{RestartEvery: between(20, 200), Restarts: between(1, 3)}
	case 6:
		d.name, d.restarts, d.life = "restarts more often", 2, wedatasim.Life{RestartEvery: between(90, 200), Restarts: between(4, 6)}
		d.want, d.why = state.RunUnhealthy, "restarted "
	case 7:
		d.name, d.life = "fails after a while", wedatasim.Life{FailsAfter: between(30, 560)}
		d.want, d.why = state.RunFailed, "WeData says that it is failed"
	case 8:
		d.name, d.life = "starts slowly", wedatasim.Life{Starting: between(10, 900)}
	default:
		d.name = "silent"
		b.Profile = wedatasim.Profiles()["silent"]
		d.want, d.why = state.RunUnhealthy, "WeData does not report the lag"
	}
	if d.random.IntN(5) < 2 {
		b.ReadLag = time.Second + time.Duration(d.random.Int64N(int64(7*time.Second)))
	}
	if seed%10 < 8 && d.random.IntN(4) == 0 {
		b.Profile = wedatasim.Profiles()["no-operate-id"]
	}
	d.sim = wedatasim.New(wedatasim.Options{Seed: seed, Behavior: b, Limit: -1})
	d.sim.Edit(project, jobKey.TaskID, func(t *wedatasim.Task) { t.Life = &d.life })
	d.specs.Put(&spec.File{Name: "day", Commits: []*spec.Commit{
		{
			Key: jobKey, CommitType: spec.Start, InstanceVersion: 1,
			Wait: spec.Wait{Lag: time.Minute, CountsRestarts: true, Restarts: d.restarts, For: 10 * time.Minute, Timeout: 40 * time.Minute},
		},
		{Key: dependantKey, CommitType: spec.Start, InstanceVersion: 1, DependsOn: []spec.Key{jobKey}},
	}})
	return d
}

// live lets the day go by; on some a daemon ends, and another one begins.
func (d *day) live(t *testing.T) {
	defer d.sim.Close()
	time.Sleep(10 * time.Second) // no read shows that the task was not there
	end := time.Now().Add(2 * time.Hour)
	restartAt := end
	if d.random.IntN(3) == 0 {
		restartAt = time.Now().Add(time.Duration(d.random.Int64N(int64(30 * time.Minute))))
	}
	for time.Now().Before(end) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Until(restartAt))
		r, client := d.start(t)
		for ctx.Err() == nil {
			if _, err := r.Once(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("seed %d: %v", d.seed, err)
			}
			time.Sleep(5 * time.Second)
		}
		cancel()
		_ = client.Close()
		if restartAt.Before(end) {
			time.Sleep(time.Duration(d.random.Int64N(int64(15 * time.Minute))))
		}
		restartAt = end
	}
}

func (d *day) start(t *testing.T) (*reconcile.Reconciler, *wedata.Client) {
	credentials, err := wedata.FindCredentials(t.Context(), wedata.CredentialSources{Getenv: wedatasim.DefaultAccount().Getenv})
	if err != nil {
		t.Fatal(err)
	}
	client, err := wedata.New(wedata.Config{Endpoint: "http://127.0.0.1", Region: "ap-guangzhou", Dial: d.sim.Dial, Credentials: credentials})
	if err != nil {
		t.Fatal(err)
	}
	id := 0
	return reconcile.New(reconcile.Config{
		Source: d, Committer: client, Reader: client, Store: d, Observer: d, Logger: slog.New(slog.DiscardHandler),
		Guards: func() *plan.Guards { return new(plan.Guards) }, Horizon: func() time.Duration { return acceptHorizon },
		Interval: func() time.Duration { return interval }, Commits: pace.New(20), Reads: pace.New(20),
		Random: func() float64 { return 0.5 }, NewID: func() string { id++; return fmt.Sprint(time.Now().UnixNano(), id) },
	}, state.NewRecords(slices.Collect(maps.Values(d.records))...), d.control), client
}

// judge compares what the daemon says with how the job was drawn, and what was sent with
// that, and returns what it says.
func (d *day) judge(t *testing.T) string {
	run := d.records[jobKey].Applied.Run
	if run.Status != d.want || !strings.HasPrefix(run.Detail, d.why) || (d.why == "") != (run.Detail == "") {
		t.Errorf("seed %d, %s %+v: %s: %s; want %s: %s", d.seed, d.name, d.life, run.Status, run.Detail, d.want, d.why)
	}
	if len(d.told) != 1 {
		t.Errorf("seed %d, %s: told %d times: %q", d.seed, d.name, len(d.told), d.told)
	}
	sent := map[bool]int{true: 1}[d.want == state.RunRunning]
	if job, dependant := len(d.sim.Applied(project, jobKey.TaskID)), len(d.sim.Applied(project, dependantKey.TaskID)); job != 1 || dependant != sent {
		t.Errorf("seed %d, %s: %d commits of the job, and %d of the dependant, want 1 and %d", d.seed, d.name, job, dependant, sent)
	}
	return string(run.Status)
}

// Save implements [reconcile.Store].
func (d *day) Save(_ context.Context, tr state.Transition) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if tr.Record != nil {
		was := d.records[tr.Record.Key]
		if a := tr.Record.Applied; tr.Record.Key == jobKey && a != nil && a.Run != nil && a.Run.Status != state.RunStarting &&
			(was == nil || was.Applied == nil || was.Applied.Run == nil || was.Applied.Run.Status != a.Run.Status) {
			d.told = append(d.told, fmt.Sprintf("%s: %s", a.Run.Status, a.Run.Detail))
		}
		d.records[tr.Record.Key] = tr.Record
	}
	if tr.Control != nil {
		d.control = *tr.Control
	}
	return nil
}

// PendingCommands implements [reconcile.Store].
func (d *day) PendingCommands(context.Context) ([]state.Command, error) { return nil, nil }

// HasPendingCommands implements [reconcile.Store].
func (d *day) HasPendingCommands(context.Context) (bool, error) { return false, nil }

// CommandsArrive implements [reconcile.Store].
func (d *day) CommandsArrive() <-chan struct{} { return nil }

// Poll implements [reconcile.Source].
func (d *day) Poll(context.Context) (*reconcile.Revision, error) {
	return &reconcile.Revision{ID: "1", Specs: d.specs}, nil
}

// Descends implements [reconcile.Source].
func (d *day) Descends(context.Context, string, string) (bool, error) { return true, nil }

// SameSpecs implements [reconcile.Source].
func (d *day) SameSpecs(context.Context, string, string) (bool, error) { return true, nil }

// Close implements [reconcile.Source].
func (d *day) Close() error { return nil }

// Planned implements [reconcile.Observer].
func (d *day) Planned(*plan.Plan) {}

// Passed implements [reconcile.Observer].
func (d *day) Passed(*reconcile.Result) {}

// Called implements [reconcile.Observer].
func (d *day) Called(*plan.Change, *state.Record, state.Outcome) {}
