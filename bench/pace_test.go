package bench_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"path/filepath"
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
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// The pace that is promised, as shares of the 20 commits a second that the API allows.
const (
	paceCommits = 1_000
	paceRate    = 20
	// paceLearning is how many commits may be learned from.
	paceLearning = 200
)

// answers makes the endpoint answer every request in 150 ms ± 50 ms.
func answers(sim *wedatasim.Server) { answersIn(sim, 100*time.Millisecond, 200*time.Millisecond) }

// answersIn makes the endpoint answer every request in a time drawn from the range.
func answersIn(sim *wedatasim.Server, least, most time.Duration) {
	sim.Inject(wedatasim.Fault{Delay: least, Jitter: most - least})
}

// measured is what an endpoint's ledger says of a run.
type measured struct {
	whole, learned float64 // shares of paceRate
	windows        wedatasim.Load
	rejected       int // requests over the limit, of reads, too
}

func paceOf(sim *wedatasim.Server) measured {
	var at []time.Time
	rejected := 0
	for _, e := range sim.Ledger() {
		switch {
		case e.Code == "RequestLimitExceeded":
			rejected++
		case e.Action == "CommitIntegrationTask":
			at = append(at, e.At)
		}
	}
	share := func(at []time.Time) float64 {
		return float64(len(at)-1) / at[len(at)-1].Sub(at[0]).Seconds() / paceRate
	}
	return measured{share(at), share(at[min(paceLearning, len(at)/2):]), sim.Windows("CommitIntegrationTask").All, rejected}
}

// TestPace makes 1,000 commits, through everything but a network, under a clock
// that nobody else slows: what the pace comes to is what was decided.
func TestPace(t *testing.T) {
	for _, tt := range []struct {
		least, most    time.Duration // of the endpoint's answers
		whole, learned float64       // shares of the rate: over the whole run, and once the jitter is learned
	}{
		{100 * time.Millisecond, 200 * time.Millisecond, 0.98, 0.99},
		{100 * time.Millisecond, 700 * time.Millisecond, 0.95, 0.99},
	} {
		t.Run(fmt.Sprintf("%v-%v", tt.least, tt.most), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := wedatasim.New(wedatasim.Options{Seed: 1})
				defer sim.Close()
				answersIn(sim, tt.least, tt.most)
				r := reconciler(t, sim, settledSource{tasks(paceCommits, 1)})
				result, err := r.Once(t.Context())
				if err != nil || result.Applied != paceCommits {
					t.Fatalf("%+v, %v", result, err)
				}
				got := paceOf(sim)
				t.Logf("%+v", got)
				if got.whole < tt.whole || got.learned < tt.learned {
					t.Errorf("%.2f %% of the rate, and %.2f %% once the jitter is learned, want %.0f %% and %.0f %%",
						100*got.whole, 100*got.learned, 100*tt.whole, 100*tt.learned)
				}
				if got.windows.Fixed > paceRate || got.windows.Sliding > paceRate || got.rejected > 0 {
					t.Errorf("the busiest second had %d requests (fixed), %d (sliding), want at most %d; %d were rejected, want none",
						got.windows.Fixed, got.windows.Sliding, paceRate, got.rejected)
				}
			})
		})
	}
}

// reconciler is what carries out the specs of the source at the endpoint, with a
// state of its own.
func reconciler(t *testing.T, sim *wedatasim.Server, source reconcile.Source) *reconcile.Reconciler {
	t.Helper()
	account := wedatasim.DefaultAccount()
	vars := map[string]string{"TENCENTCLOUD_SECRET_ID": account.SecretID, "TENCENTCLOUD_SECRET_KEY": account.SecretKey}
	credentials, err := wedata.FindCredentials(t.Context(), wedata.CredentialSources{Getenv: func(name string) string { return vars[name] }})
	must(t, err)
	client, err := wedata.New(wedata.Config{Endpoint: "http://127.0.0.1", Region: "ap-guangzhou", Credentials: credentials, Dial: sim.Dial})
	must(t, err)
	id := state.Identity{Source: "specs", Path: ".", Endpoint: "127.0.0.1", Region: "ap-guangzhou"}
	store, err := sqlstore.Open(t.Context(), filepath.Join(t.TempDir(), "wedatasync.db"), id, sqlstore.Options{Create: true})
	must(t, err)
	t.Cleanup(func() {
		must(t, client.Close())
		must(t, store.Close())
	})
	return reconcile.New(reconcile.Config{
		Source: source, Committer: client, Reader: client, Store: unwatched{store},
		Logger:  slog.New(slog.DiscardHandler),
		Guards:  func() *plan.Guards { return &plan.Guards{} },
		Commits: pace.New(paceRate), Reads: pace.New(paceRate),
		Horizon:  func() time.Duration { return 5 * time.Minute },
		Interval: func() time.Duration { return 30 * time.Second },
		Random:   mathrand.Float64, NewID: rand.Text,
	}, state.NewRecords(), state.Control{})
}

// unwatched is a state that no other process writes to: the system's notifications of that do
// not come under a virtual clock.
type unwatched struct{ *sqlstore.Store }

func (unwatched) CommandsArrive() <-chan struct{} { return nil }

// settledSource has one revision.
type settledSource struct{ specs *spec.Set }

func (s settledSource) Poll(context.Context) (*reconcile.Revision, error) {
	return &reconcile.Revision{ID: "r1", Author: "Ana <ana@example.com>", Specs: s.specs}, nil
}

func (settledSource) Descends(context.Context, string, string) (bool, error)  { return true, nil }
func (settledSource) SameSpecs(context.Context, string, string) (bool, error) { return true, nil }

func (settledSource) Close() error { return nil }

// tasks is n specs in as many files.
func tasks(n, version int) *spec.Set {
	set := spec.NewSet()
	for i := range n {
		set.Put(spec.Parse(layout{files: n, each: 1}.file(i, version)))
	}
	return set
}
