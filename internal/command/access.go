package command

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/release"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
	"github.com/wedatasync/wedatasync/state/statefile"
)

// Access reads a state and gives commands to the daemon that holds it: beside the daemon
// by its state, or from elsewhere by its API.
type Access interface {
	// View opens the state at one moment.
	View(ctx context.Context) (View, error)
	// Plan returns what a pass would do, at least with the tasks that somebody may mean by said.
	Plan(ctx context.Context, env parts.Env, said string) (*plan.Plan, error)
	// Condition returns the condition of the daemon and of its state.
	Condition(ctx context.Context, env parts.Env, now time.Time) (*Condition, error)
	// Newest returns up to n releases, the newest first, without their tasks.
	Newest(ctx context.Context, n int) ([]release.Release, error)
	// Release returns one release with its tasks: see [release.Find] for how it is named.
	Release(ctx context.Context, name string) (release.Release, error)
	// Submit gives a command to the daemon, and returns its result.
	Submit(ctx context.Context, c state.Command) (state.CommandResult, error)
	// Running reports whether a daemon holds the state.
	Running() bool
}

// View is a state at one moment.
type View interface {
	Control(ctx context.Context) (state.Control, error)
	// Task returns the record of a task, and how it has drifted; nil where it has none, or
	// has not.
	Task(ctx context.Context, key spec.Key) (*state.Record, *state.Drift, error)
	// Candidates returns the tasks that somebody may mean, as [explain.Candidates] does. p is the plan,
	// or nil.
	Candidates(ctx context.Context, p *plan.Plan, said string, prefixes bool) ([]explain.Candidate, error)
	Records(ctx context.Context) iter.Seq2[state.Record, error]
	History(ctx context.Context, q state.HistoryQuery) ([]state.Event, error)
	Close() error
}

// Local returns the access to the state on this machine.
func Local(s config.Settings) Access { return local{s} }

type local struct{ settings config.Settings }

func (l local) View(ctx context.Context) (View, error) {
	r, err := sqlstore.OpenReader(ctx, l.settings.State)
	if err != nil {
		return nil, err
	}
	return localView{r}, nil
}

// localView is the state on this machine.
type localView struct{ *sqlstore.Reader }

func (v localView) Candidates(ctx context.Context, p *plan.Plan, said string, prefixes bool) ([]explain.Candidate, error) {
	records, err := v.Find(ctx, said, prefixes)
	return explain.Candidates(said, prefixes, p, records), err
}

func (v localView) Task(ctx context.Context, key spec.Key) (*state.Record, *state.Drift, error) {
	rec, err := v.Record(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	control, err := v.Control(ctx)
	return rec, control.DriftScan.Of(key), err
}

func (l local) Plan(ctx context.Context, env parts.Env, said string) (*plan.Plan, error) {
	return Plan(ctx, l.settings, env, PlanOptions{Task: said})
}

func (l local) Newest(ctx context.Context, n int) ([]release.Release, error) {
	var list []release.Release
	err := l.read(ctx, func(v View) error {
		c, err := v.Control(ctx)
		list = release.Newest(&c, n)
		return err
	})
	return list, err
}

func (l local) Release(ctx context.Context, name string) (found release.Release, err error) {
	err = l.read(ctx, func(v View) (err error) {
		found, err = release.Read(ctx, v, name)
		return err
	})
	return found, err
}

func (l local) read(ctx context.Context, f func(View) error) error {
	v, err := l.View(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(v), v.Close())
}

func (l local) Submit(ctx context.Context, c state.Command) (state.CommandResult, error) {
	return Enqueue(ctx, l.settings, c)
}

func (l local) Running() bool {
	_, held, err := statefile.LockHolder(l.settings.State)
	return held || err != nil // what is not known is no reason to warn
}

const (
	// readEvery is how often wait reads the release.
	readEvery = 500 * time.Millisecond
	// beginsWithin is how long a pass may take to begin after a poll.
	beginsWithin = 10 * time.Second
)

// Sync asks the daemon to poll its source now, and returns the newest revision once its
// release has begun.
func Sync(ctx context.Context, a Access, actor string) (revision string, err error) {
	result, err := a.Submit(ctx, state.Command{At: time.Now(), Actor: actor, Verb: state.VerbSync})
	if err != nil {
		return "", err
	}
	revision, ok := strings.CutPrefix(result.Message, plan.SyncedAt)
	if !result.OK || !ok {
		return "", errors.New(result.Message)
	}
	ctx, cancel := context.WithTimeout(ctx, beginsWithin)
	defer cancel()
	for {
		list, err := a.Newest(ctx, 1)
		if err != nil || len(list) == 0 || list[0].Revision == revision {
			return revision, err // a state of an earlier version has no releases yet
		}
		if !sleep(ctx, readEvery/5) {
			return revision, nil
		}
	}
}

// ErrAway says that a daemon does not answer now.
var ErrAway = errors.New("no answer")

// Wait follows a release until it is done, failed or overtaken, or ctx is done: then the
// release is as it was last, with [ErrNotEnded]. changed is called when it is known first,
// and whenever its outcome is another. A revision that is not known yet is waited for.
func Wait(ctx context.Context, a Access, name string, changed func(*release.Release)) (r release.Release, err error) {
	var last *release.Release
	for {
		found, err := newestOf(ctx, a, name)
		switch {
		case err == nil:
			if last == nil || last.Outcome != found.Outcome || last.Guard != found.Guard {
				changed(&found)
			}
			if last = &found; found.Ended() {
				return found, nil
			}
			name = found.Revision // the newest stays the one that is waited for
		case errors.Is(err, release.ErrUnknown) && (name == "" || len(name) >= release.MinPrefix):
		case last != nil && errors.Is(err, ErrAway): // a daemon that restarts
		case ctx.Err() == nil || !errors.Is(err, context.Cause(ctx)):
			return release.Release{}, err
		}
		if sleep(ctx, readEvery) {
			continue
		}
		if last == nil && name == "" {
			return release.Release{}, fmt.Errorf("no release: %w: the daemon has made no pass yet", ErrNotEnded)
		}
		if last == nil {
			return release.Release{}, fmt.Errorf("revision %s: %w: the daemon has not polled it; wedatasync sync asks it to", name, ErrNotEnded)
		}
		return *last, ErrNotEnded
	}
}

// newestOf returns the release without its tasks.
func newestOf(ctx context.Context, a Access, name string) (release.Release, error) {
	list, err := a.Newest(ctx, state.MaxReleases)
	if err != nil {
		return release.Release{}, err
	}
	var c state.Control
	for _, r := range slices.Backward(list) {
		c.Releases = append(c.Releases, r.Release)
	}
	return release.Find(&c, name)
}

// ErrNotEnded says that the time to wait for a release is over.
var ErrNotEnded = errors.New("the release has not ended within --timeout")

// sleep reports whether the time is over, and ctx is not.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
