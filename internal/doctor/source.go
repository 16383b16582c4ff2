package doctor

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/source"
	"github.com/wedatasync/wedatasync/internal/source/signature"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
)

// examineSource asks where the branch is, which is quick however large the repository
// is, and then reads the specs as a plan does, into a copy of its own.
func examineSource(ctx context.Context, s *Subject) (r result) {
	if s.Settings.Source == "" {
		return r // the configuration is at fault
	}
	logged := new(warnings)
	src, err := parts.OpenSource(&s.Settings, "", remembered(ctx, s.Settings.State), slog.New(logged))
	if err == nil {
		defer src.Close() // what cannot be removed of a temporary copy is the system's
		err = r.reach(ctx, s, src)
	}
	for _, text := range logged.texts() {
		r.warn(checkRepository, "%s", text)
	}
	if err != nil {
		r.fail(checkRepository, "%v", err)
		r.warn(checkSpecs, "they could not be read")
		return r
	}
	rev, err := src.Poll(ctx)
	if git, ok := src.(*source.Git); ok {
		r.signingKeys(git.KeyExpiry(), time.Now())
	}
	if err != nil {
		r.fail(checkSpecs, "%v", err)
	}
	if rev != nil { // also the one that stands as long as the newest is not verified
		r.countSpecs(rev)
	}
	return r
}

// expiresSoon is how long before a key ends that signs commits doctor warns.
const expiresSoon = 30 * 24 * time.Hour

// signingKeys reports when the next key ends that may sign commits.
func (r *result) signingKeys(next signature.Expiry, now time.Time) {
	at := next.At.UTC().Format(time.RFC3339)
	switch {
	case next.At.IsZero():
	case !next.At.After(now):
		r.warn(checkRepository, "no key that signs commits is valid any more, the last one ended %s: %s: what was applied stays, and nothing newer is: extend it, or add another to the file of keys", at, next.Key)
	case next.At.Before(now.Add(expiresSoon)):
		r.warn(checkRepository, "a key that signs commits ends %s: %s: extend it, or add another to the file of keys", at, next.Key)
	default:
		r.ok(checkRepository, "the next key that ends of those that sign commits does so %s: %s", at, next.Key)
	}
}

// reach finds the source.
func (r *result) reach(ctx context.Context, s *Subject, src reconcile.Source) error {
	name := gitremote.Redact(s.Settings.Source)
	git, ok := src.(interface {
		Head(context.Context) (string, error)
	})
	if !ok {
		r.ok(checkRepository, "%s is a folder that can be read", name)
		return nil
	}
	head, err := git.Head(ctx)
	if err != nil {
		return err
	}
	r.ok(checkRepository, "%s answers: branch %s is at %.12s", name, s.Settings.Branch, head)
	return nil
}

// countSpecs reports the specs, and learns which projects there are.
func (r *result) countSpecs(rev *reconcile.Revision) {
	r.complain(rev.Specs.Problems())
	seen := map[string]bool{}
	for c := range rev.Specs.All() {
		if !seen[c.ProjectID] {
			seen[c.ProjectID] = true
			r.tasks = append(r.tasks, task{c.Key, c.TaskType})
		}
	}
	if rev.Specs.Len() == 0 {
		r.warn(checkSpecs, "revision %.12s has none that can be used: check --branch and --path", rev.ID)
		return
	}
	r.ok(checkSpecs, "%s in %s, in %s, at revision %.12s", counted(rev.Specs.Len(), "spec"), counted(rev.Specs.Files(), "file"), counted(len(seen), "project"), rev.ID)
}

// complain adds the first complaint of each severity: validate has them all.
func (r *result) complain(problems spec.Problems) {
	levels := map[spec.Severity]Level{spec.SeverityError: LevelError, spec.SeverityWarning: LevelWarning}
	counts := map[spec.Severity]int{}
	for _, p := range problems {
		counts[p.Severity] += 1 + p.More
	}
	shown := map[spec.Severity]bool{}
	for _, p := range problems {
		if !shown[p.Severity] {
			shown[p.Severity] = true
			r.add(checkSpecs, levels[p.Severity], "%s, the first is %s", counted(counts[p.Severity], string(p.Severity)), p.String())
		}
	}
}

// warnings is a log handler that keeps warnings: what a part logs in a daemon is a finding
// of the report here.
type warnings struct {
	mu   sync.Mutex
	list []string
}

func (w *warnings) texts() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.list
}

// Enabled implements [slog.Handler].
func (w *warnings) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

// Handle implements [slog.Handler].
func (w *warnings) Handle(_ context.Context, rec slog.Record) error {
	text := rec.Message
	rec.Attrs(func(a slog.Attr) bool {
		text += ": " + a.Value.String()
		return true
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, text)
	return nil
}

// WithAttrs implements [slog.Handler]: who warns here has none.
func (w *warnings) WithAttrs([]slog.Attr) slog.Handler { return w }

// WithGroup implements [slog.Handler].
func (w *warnings) WithGroup(string) slog.Handler { return w }
