package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
	"github.com/wedatasync/wedatasync/state/statefile"
)

// The space that a volume of a state should have left, in bytes.
const (
	leastSpace = 64 << 20 // a mirror of a small repository, and the log of the state
	goodSpace  = 1 << 30
)

// examineState checks the state and where it is.
func examineState(ctx context.Context, s *Subject) (r result) {
	path := s.Settings.State
	examineFolder(filepath.Dir(path), &r)
	fresh, err := statefile.Fresh(path)
	exposed := parts.OutsideWorktree(&s.Settings)
	switch {
	case err != nil:
		r.fail(checkState, "%v", err)
		return r
	case fresh && exposed != nil:
		r.fail(checkState, "%v", exposed)
		return r
	case exposed != nil:
		r.warn(checkState, "%v", exposed)
	case fresh:
		r.ok(checkState, "%s does not exist yet: the first run creates it", path)
		return r
	}
	if h, held, err := statefile.LockHolder(path); err == nil && held {
		r.ok(checkState, "process %d on %s uses it, since %s", h.PID, h.Host, h.Since.UTC().Format(time.RFC3339))
	}
	rep, err := sqlstore.Check(ctx, path)
	if err != nil {
		r.fail(checkState, "%v", err)
		return r
	}
	r.ok(checkState, "%s is whole: serial %d, %s, %s", path, rep.Serial, counted(int(rep.Records), "task"), counted(int(rep.Events), "event"))
	if err := readState(ctx, path, s.Settings.Identity(), &r); err != nil {
		r.fail(checkState, "%v", err)
	}
	return r
}

// readState checks whose state it is, and learns which projects there are.
func readState(ctx context.Context, path string, id state.Identity, r *result) (err error) {
	reader, err := sqlstore.OpenReader(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	if err := reader.Belongs(ctx, id); err != nil {
		return err
	}
	seen := map[string]bool{}
	for rec, err := range reader.Records(ctx) {
		if err != nil {
			return err
		}
		if a := rec.Applied; a != nil && a.Origin == state.OriginCommit && a.At.After(r.committed) {
			r.committed = a.At
		}
		if !seen[rec.Key.ProjectID] {
			seen[rec.Key.ProjectID] = true
			r.tasks = append(r.tasks, task{rec.Key, typeOf(&rec)})
		}
	}
	return nil
}

func typeOf(rec *state.Record) spec.TaskType {
	if rec.Applied != nil {
		return rec.Applied.TaskType
	}
	if rec.Attempt != nil {
		return rec.Attempt.Wanted.TaskType
	}
	return 0
}

// examineFolder checks the folder of the state: the daemon writes there, and others
// should not.
func examineFolder(dir string, r *result) {
	info, err := os.Stat(dir)
	if err != nil {
		r.fail(checkState, "%v: make the folder, or mount its volume", err)
		return
	}
	if err := writable(dir); err != nil {
		r.fail(checkState, "this user (%d) may not write in the folder %s: run as the daemon's user, or change the folder's owner", os.Getuid(), dir)
	}
	// Its group is often the daemon's own, as with an fsGroup of Kubernetes.
	if info.Mode().Perm()&0o002 != 0 && info.Mode()&os.ModeSticky == 0 {
		r.warn(checkState, "everybody on this machine may write in the folder %s, and so could replace the state: chmod o-w %[1]s", dir)
	}
	v, err := volumeOf(dir)
	if err != nil {
		return // this system does not know
	}
	if v.network != "" {
		r.warn(checkState, "%s is on a network file system (%s), which does not have the locks that it needs: use a local disk", dir, v.network)
	}
	switch {
	case v.free < leastSpace:
		r.fail(checkState, "%d MiB are left on the disk of %s: make space, for without it nothing is sent", v.free>>20, dir)
	case v.free < goodSpace:
		r.warn(checkState, "%d MiB are left on the disk of %s: see that it does not fill up", v.free>>20, dir)
	}
}

// remembered returns what a state remembers of the source's revisions; nil if that
// cannot be read, which another check reports.
func remembered(ctx context.Context, path string) *state.Control {
	if fresh, err := statefile.Fresh(path); fresh || err != nil {
		return nil
	}
	reader, err := sqlstore.OpenReader(ctx, path)
	if err != nil {
		return nil
	}
	defer reader.Close() // it was only read
	control, err := reader.Control(ctx)
	if err != nil {
		return nil
	}
	return &control
}
