package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/socket"
	"github.com/wedatasync/wedatasync/internal/source"
	"github.com/wedatasync/wedatasync/internal/source/folder"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
	"github.com/wedatasync/wedatasync/state/statefile"
)

// PlanOptions say which plan is asked for.
type PlanOptions struct {
	StateURL string // of a daemon, or of the state that it exports, to compare with; empty: the state of the settings
	Token    string // for StateURL; empty: none is sent
	// Task says that the plan need not have more than the tasks that somebody may mean by it.
	Task string
}

// Plan returns what a pass would do. It is given a source and a reader of the
// state, and nothing that could write: neither the API nor the state changes. The plan is that of
// the daemon that holds the state, where that is the one that would be made here.
func Plan(ctx context.Context, s config.Settings, env parts.Env, o PlanOptions) (_ *plan.Plan, err error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	log, err := env.Logger(&s)
	if err != nil {
		return nil, err
	}
	var k known
	switch {
	case o.StateURL != "":
		k, err = fetchState(ctx, o.StateURL, o.Token, &s)
	case env.Stateless:
	case s.Simulate && !env.OwnState:
		// Its state lives as long as its endpoint.
	default:
		k, err = openState(ctx, &s)
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, k.close()) }()
	src, err := parts.OpenShared(&s, k.mirror, &k.control, log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	if p := k.ask(ctx, src, &s, socket.Question{Version: env.Version, Task: o.Task}, log); p != nil {
		return p, nil
	}
	rev, unverified, err := k.poll(ctx, src)
	if err != nil {
		return nil, err
	}
	if rev.Specs.Files() == 0 && k.records.Len() == 0 && !source.IsGit(s.Source) {
		return nil, noSpecs(s.Source)
	}
	return planOf(ctx, &s, src, rev, unverified, k, nil)
}

// noSpecs says that a folder has none, which is hardly ever meant.
func noSpecs(dir string) error {
	return fmt.Errorf("no specs were found in %s: a spec is a .yaml or .yml file that begins with apiVersion: wedatasync/v1; name the folder that has them", text.Visible(dir))
}

// verified sorts the error of a poll: one that comes with a revision means that the newest
// one is not verified, and the revision is used in its place. Any other is fatal.
func verified(rev *reconcile.Revision, err error) (_ *reconcile.Revision, unverified, fatal error) {
	if rev != nil && errors.Is(err, reconcile.ErrUnverified) {
		return rev, err, nil
	}
	return rev, nil, err
}

// known is what a state knows.
type known struct {
	records *state.Records // nil before poll
	control state.Control
	info    plan.StateInfo
	mirror  string           // of the source, beside the state; empty without a state
	reader  *sqlstore.Reader // of the records; nil if there are none to read
}

// openState opens the state of the settings while a daemon may write it. One that is not
// there yet is empty: the first pass will make it. Whoever gets it closes it.
func openState(ctx context.Context, s *config.Settings) (k known, err error) {
	return openStateOf(ctx, s, s.Identity())
}

// openStateOf is openState for a state that has to be of id.
func openStateOf(ctx context.Context, s *config.Settings, id state.Identity) (k known, err error) {
	if fresh, err := statefile.Fresh(s.State); err != nil || fresh {
		return k, err
	}
	if k.reader, err = sqlstore.OpenReader(ctx, s.State); err != nil {
		return k, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, k.close())
		}
	}()
	if err := k.reader.Belongs(ctx, id); err != nil {
		return k, err
	}
	if k.info.Serial, err = k.reader.Serial(ctx); err != nil {
		return k, err
	}
	k.info.Lineage, k.mirror = k.reader.Lineage(), s.Mirror()
	k.control, err = k.reader.Control(ctx)
	return k, err
}

// ask returns the plan of the daemon that holds the state; nil if that does not answer with the
// one that would be made here.
func (k *known) ask(ctx context.Context, src reconcile.Source, s *config.Settings, q socket.Question, log *slog.Logger) *plan.Plan {
	git, ok := src.(*source.Git)
	if !ok || k.reader == nil {
		return nil // what a folder has is not known without reading it
	}
	q.Settings = s.PlanDigest()
	p, err := socket.Ask(ctx, s.State, q, git.Head)
	if err != nil {
		log.DebugContext(ctx, "the plan is made here", "cause", err)
		return nil
	}
	log.DebugContext(ctx, "the plan is the daemon's", "revision", p.Source.Revision)
	p.State = k.info
	return p
}

// poll polls the source, and reads the records of the state meanwhile.
func (k *known) poll(ctx context.Context, src reconcile.Source) (rev *reconcile.Revision, unverified, err error) {
	var both errgroup.Group
	both.Go(func() (err error) {
		rev, unverified, err = verified(src.Poll(ctx))
		return err
	})
	both.Go(func() (err error) {
		if k.reader != nil {
			k.records, err = k.reader.Load(ctx)
		}
		return err
	})
	err = both.Wait()
	return rev, unverified, err
}

func (k *known) close() error {
	if k.reader == nil {
		return nil
	}
	return k.reader.Close()
}

// planOf makes the plan as the reconciler does, and lets the guards see it. live is what the
// reads before the calls will find; nil if that is not known.
func planOf(ctx context.Context, s *config.Settings, src reconcile.Source, rev *reconcile.Revision, unverified error, k known, live func(spec.Key) *state.Live) (*plan.Plan, error) {
	rewrite, err := reconcile.RewriteOf(ctx, src, k.control.Revision, rev.ID)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	p := plan.Diff(plan.Input{Specs: rev.Specs, Records: k.records, Control: &k.control, Policy: plan.DriftPolicy(s.DriftPolicy)}, now)
	if live != nil {
		operator := ""
		if k.control.Operator != nil {
			operator = k.control.Operator.UIN
		}
		if p.Withhold(live, operator) >= plan.RestoredAfter {
			k.control.Restored = true
		}
	}
	p.Source, p.State = rev.Of(s.SourceInfo(), unverified), k.info
	return s.Guards.Check(p, rewrite.Facts(&k.control), now), nil
}

// ReadSpecs reads the specs in a folder, as the daemon does: links do not count in git, and
// outside of a checkout they do.
func ReadSpecs(ctx context.Context, dir string) (_ *spec.Set, err error) {
	src, err := folder.Open(folder.Config{Dir: dir, FollowLinks: !inCheckout(dir), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	rev, err := src.Poll(ctx)
	if err != nil {
		return nil, err
	}
	if rev.Specs.Files() == 0 {
		return nil, noSpecs(dir)
	}
	return rev.Specs, nil
}

// inCheckout reports whether the folder is in a checkout of git.
func inCheckout(dir string) bool {
	at, err := filepath.Abs(dir)
	for err == nil {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return true
		}
		up := filepath.Dir(at)
		if up == at {
			break
		}
		at = up
	}
	return false
}
