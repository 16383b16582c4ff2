package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/gofrs/flock"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore/sqlrow"
	"github.com/wedatasync/wedatasync/state/statefile"
)

// Options say how a state is opened.
type Options struct {
	Logger  *slog.Logger // nil: nothing is logged
	Actor   string       // who opens it, for the history
	Version string       // of this program, for the lock file
	Create  bool         // make a new state if there is nothing of one

	fault func(point string) error
}

// Store holds a state: it is the only one that changes it. Its methods may be
// called at the same time.
type Store struct {
	readQueries
	log             *slog.Logger
	lock            *flock.Flock
	head            *statefile.HeadFile
	writer          *writer
	read            *sql.DB
	pendingCommands *sql.Stmt        // counts the commands that wait
	watch           func() *arrivals // begins with the first call
	watching        atomic.Bool

	mu      sync.Mutex
	queue   []*request // what waits to be written
	closing sync.Once
	closed  chan struct{} // closed when nothing more is written

	turn chan struct{} // of size 1: what is in it is the turn to write
	// Of who has the turn, as the writer and the head are.
	broken error // why nothing is written any more
	pages  int   // about how many are in the log
}

// readConns is how many reads of a Store run at the same time.
const readConns = 4

// Open takes the lock of the state at path, makes sure that it is the newest
// state of id and undamaged as far as can be told at once, and returns a Store.
// With opt.Create it makes a new state where nothing of one is. Otherwise, or if
// anything is not as it should be, it changes nothing and returns an error that
// is one of ErrLocked, ErrMissing, ErrForeign, ErrRolledBack, ErrNewer,
// ErrDamaged, or another one of the disk.
func Open(ctx context.Context, path string, id state.Identity, opt Options) (_ *Store, err error) {
	fl, lock, err := hold(path, opt)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Unlock())
		}
	}()
	fresh, err := fl.Fresh()
	if err != nil {
		return nil, err
	}
	if fresh {
		if !opt.Create {
			return nil, fmt.Errorf("open state %s: %w: nothing of it exists: check --state, and that its volume is mounted", fl.DB, state.ErrMissing)
		}
		if err := create(ctx, fl, newMeta(id), begun(opt), opt.fault); err != nil {
			return nil, fmt.Errorf("create state %s: %w", fl.DB, err)
		}
	}
	m, err := verifyNewest(ctx, fl, id)
	if err != nil {
		return nil, err
	}
	return start(ctx, fl, lock, m, id, opt)
}

// hold finds the state and takes its lock.
func hold(path string, opt Options) (statefile.Files, *flock.Flock, error) {
	fl, err := statefile.Locate(path)
	if err != nil {
		return statefile.Files{}, nil, err
	}
	lock, err := fl.TakeLock(opt.Version)
	return fl, lock, err
}

// start opens a verified state for writing.
func start(ctx context.Context, fl statefile.Files, lock *flock.Flock, m sqlrow.Meta, id state.Identity, opt Options) (_ *Store, err error) {
	s := &Store{
		readQueries: readQueries{files: fl, schema: schemaVersion, lineage: m.Lineage, identity: id, settled: func() error { return nil }},
		log:         opt.Logger,
		lock:        lock,
		closed:      make(chan struct{}),
		turn:        make(chan struct{}, 1),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.begin = s.snapshot
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open state %s: %w", fl.DB, dbError(err)), s.release())
		}
	}()
	if s.writer, err = openWriter(ctx, fl.DB, readWrite, m, opt.fault); err != nil {
		return nil, err
	}
	if err := s.writer.resume(ctx); err != nil {
		return nil, err
	}
	if err := migrate(ctx, s.writer, opt); err != nil {
		return nil, err
	}
	if err := makeIndexes(ctx, s.writer); err != nil {
		return nil, err
	}
	if err := rebind(ctx, s.writer, id, opt); err != nil {
		return nil, err
	}
	if s.read, err = openDB(ctx, fl.DB, readOnly, readConns); err != nil {
		return nil, err
	}
	if s.pendingCommands, err = s.read.PrepareContext(ctx, countPendingCommands); err != nil {
		return nil, err
	}
	if s.head, err = statefile.OpenHead(fl.Head, s.writer.meta.Head(), opt.fault); err != nil {
		return nil, err
	}
	s.watch = sync.OnceValue(func() *arrivals {
		s.watching.Store(true)
		return watchArrivals(fl.WAL, lookEvery, s.log)
	})
	return s, nil
}

// rebind corrects the endpoint and the region of a state that no call has bound. Pauses
// that began at the others end.
func rebind(ctx context.Context, w *writer, id state.Identity, opt Options) error {
	was := w.meta.Identity
	if was == id {
		return nil
	}
	control, err := readControl(ctx, w)
	if err != nil {
		return err
	}
	control.Pauses = nil
	note := fmt.Sprintf("endpoint and region corrected from %s, %s to %s, %s: no call had been accepted", was.Endpoint, was.Region, id.Endpoint, id.Region)
	return w.transact(ctx, func(next *sqlrow.Meta) error {
		next.Identity = id
		return w.note(ctx, next, &control, opt, note)
	})
}

// snapshot starts a transaction that reads one moment of the state.
func (s *Store) snapshot(ctx context.Context) (*sql.Tx, func(), error) {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, nil, err
	}
	return tx, func() { _ = tx.Rollback() }, nil
}

// HasPendingCommands reports whether a command waits. It is cheap enough to be
// asked many times a second.
func (s *Store) HasPendingCommands(ctx context.Context) (bool, error) {
	if err := context.Cause(ctx); err != nil {
		return false, readError(s.files, err)
	}
	// To watch for the end of ctx would take longer than the query.
	var n int64
	err := s.pendingCommands.QueryRowContext(context.WithoutCancel(ctx)).Scan(&n)
	return n > 0, readError(s.files, err)
}

// PendingCommands returns what people asked for and was not answered yet, oldest first.
func (s *Store) PendingCommands(ctx context.Context) ([]state.Command, error) {
	if pending, err := s.HasPendingCommands(ctx); err != nil || !pending {
		return nil, err
	}
	return s.readQueries.PendingCommands(ctx)
}

// CommandsArrive tells when to look for commands: soon after anybody has written to the
// state, and where the system does not notify of that, every 2 s.
func (s *Store) CommandsArrive() <-chan struct{} { return s.watch().look }

// Close waits for what is being saved and lets go of the state. Later calls do
// nothing.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		s.turn <- struct{}{} // for good
		close(s.closed)
		if err = s.release(); err != nil {
			err = fmt.Errorf("close state %s: %w", s.files.DB, err)
		}
	})
	return err
}

// release closes what is open, the lock last. The last connection of a database
// that closes moves its log and removes it.
func (s *Store) release() error {
	var errs []error
	if s.watching.Load() {
		errs = append(errs, s.watch().close())
	}
	if s.pendingCommands != nil {
		errs = append(errs, s.pendingCommands.Close())
	}
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	if s.head != nil {
		errs = append(errs, s.head.Close())
	}
	return errors.Join(append(errs, s.lock.Unlock())...)
}
