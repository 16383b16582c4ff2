package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"time"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore/sqlrow"
	"github.com/wedatasync/wedatasync/state/statefile"
)

// Reader shows one moment of a state. It takes no lock, works while a daemon
// holds the state and for who may only read its files, and writes nothing. One
// goroutine uses it at a time.
type Reader struct {
	readQueries
	meta sqlrow.Meta
	db   *sql.DB
	tx   *sql.Tx
}

// OpenReader opens the state at path as it is now. Whether the state is the
// right one, and the newest, is not checked: see [Check].
func OpenReader(ctx context.Context, path string) (*Reader, error) {
	fl, err := statefile.Locate(path)
	if err != nil {
		return nil, err
	}
	return openReader(ctx, fl)
}

// openReader opens the state for reading. A database without a log is complete and
// not in use: it can be read without the files that SQLite would otherwise make
// beside it, perhaps as another user. With a log it never can: what is in the log
// would be missed. Who may not write to the index of the log has no lock to wait
// with until the writer has changed it, and tries again.
func openReader(ctx context.Context, fl statefile.Files) (*Reader, error) {
	const attempts = 10
	for n := 1; statefile.Exists(fl.WAL); n++ {
		r, err := openReaderAs(ctx, fl, readOnly)
		again := n < attempts && errors.Is(err, errUnrecovered)
		if err == nil || !again && statefile.Exists(fl.WAL) {
			return r, err
		}
		// The writer was in the middle, or has just closed it.
		time.Sleep(time.Duration(n) * time.Millisecond)
	}
	return openReaderAs(ctx, fl, immutable)
}

func openReaderAs(ctx context.Context, fl statefile.Files, how access) (*Reader, error) {
	info, err := os.Stat(fl.DB)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open state %s: %w", fl.DB, state.ErrMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("open state: %w", err) // it names the file
	}
	db, err := openDB(ctx, fl.DB, how, 1)
	if err != nil {
		return nil, readError(fl, err)
	}
	r := &Reader{readQueries: readQueries{files: fl}, db: db}
	r.settled = func() error {
		if how != immutable {
			return nil
		}
		now, err := os.Stat(fl.DB)
		if err != nil || now.Size() != info.Size() || !now.ModTime().Equal(info.ModTime()) {
			return fmt.Errorf("read state %s: %w: try again", fl.DB, state.ErrChanged)
		}
		return nil
	}
	// The transaction is for all that is read later: it outlives ctx.
	tx, err := db.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, errors.Join(readError(fl, err), db.Close())
	}
	r.tx = tx
	r.begin = func(context.Context) (*sql.Tx, func(), error) { return tx, func() {}, nil }
	if err := r.readMeta(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// readMeta reads what must be understood before anything else is.
func (r *Reader) readMeta(ctx context.Context) error {
	return r.view(ctx, func(tx *sql.Tx) error {
		version, err := readVersion(ctx, tx)
		if err != nil {
			return err
		}
		if version > schemaVersion {
			return &state.NewerError{Path: r.files.DB, Have: version, Know: schemaVersion}
		}
		r.schema = version
		r.meta, err = readMeta(ctx, tx)
		r.lineage, r.identity = r.meta.Lineage, r.meta.Identity
		return err
	})
}

// Close lets go of the state.
func (r *Reader) Close() error {
	return errors.Join(r.tx.Rollback(), r.db.Close())
}

// Belongs returns a ForeignError if the state is not for id. While no record is bound, any
// endpoint and region will do: a mistyped one must not need another state.
func (r *Reader) Belongs(ctx context.Context, id state.Identity) error {
	foreign := r.identity.Match(r.files.DB, id)
	corrected := r.identity
	corrected.Endpoint, corrected.Region = id.Endpoint, id.Region
	if foreign == nil || corrected != id {
		return foreign
	}
	for rec, err := range r.Records(ctx) {
		switch {
		case err != nil:
			return err
		case rec.Bound():
			return foreign
		}
	}
	return nil
}

// inspect runs f on one moment of the state. Should the state come into use in
// between, it begins again.
func inspect(ctx context.Context, fl statefile.Files, f func(*Reader) error) error {
	const attempts = 3
	var err error
	for range attempts {
		if err = inspectOnce(ctx, fl, f); !errors.Is(err, state.ErrChanged) {
			return err
		}
	}
	return err
}

func inspectOnce(ctx context.Context, fl statefile.Files, f func(*Reader) error) error {
	r, err := openReader(ctx, fl)
	if err != nil {
		return err
	}
	return errors.Join(f(r), r.Close())
}

// verifyNewest makes sure, as far as can be told at once, that the state is the newest
// one of id, and returns its meta row. It only reads: a state that is refused
// stays as it was found, its log included.
func verifyNewest(ctx context.Context, fl statefile.Files, id state.Identity) (sqlrow.Meta, error) {
	h, err := fl.ReadHead()
	if err != nil {
		return sqlrow.Meta{}, err
	}
	var m sqlrow.Meta
	return m, inspect(ctx, fl, func(r *Reader) error {
		m = r.meta
		return r.verify(ctx, h, id)
	})
}

// verify compares what the state says of itself with its head and with id.
func (r *Reader) verify(ctx context.Context, h statefile.Head, id state.Identity) error {
	if err := h.Check(r.files, r.meta.Head()); err != nil {
		return err
	}
	if err := r.Belongs(ctx, id); err != nil {
		return err
	}
	if _, err := r.Control(ctx); err != nil {
		return err
	}
	return r.checkTip(ctx)
}

// checkTip makes sure that the newest event is the one that meta knows.
func (r *Reader) checkTip(ctx context.Context) error {
	return r.view(ctx, func(tx *sql.Tx) error {
		tip, err := one(ctx, tx, sqlrow.ScanEvent, selectEvents, int64(math.MaxInt64), 1)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		return r.meta.CheckTip(tip.Seq, tip.Hash)
	})
}
