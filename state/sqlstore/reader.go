package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"github.com/wedatasync/wedatasync/state"
)

// Reader shows one moment of a state. It takes no lock, works while a daemon
// holds the state and for who may only read its files, and writes nothing. One
// goroutine uses it at a time.
type Reader struct {
	readQueries
	meta meta
	db   *sql.DB
	tx   *sql.Tx
}

// OpenReader opens the state at path as it is now. Whether the state is the
// right one, and the newest, is not checked: see [Check].
func OpenReader(ctx context.Context, path string) (*Reader, error) {
	fl, err := locate(path)
	if err != nil {
		return nil, err
	}
	return fl.openReader(ctx)
}

// openReader opens the state for reading. A database without a log is complete and
// not in use: it can be read without the files that SQLite would otherwise make
// beside it, perhaps as another user. With a log it never can: what is in the log
// would be missed.
func (fl files) openReader(ctx context.Context) (*Reader, error) {
	if exists(fl.wal) {
		r, err := fl.openReaderAs(ctx, readOnly)
		if err == nil || exists(fl.wal) {
			return r, err
		}
		// Who used it has just closed it.
	}
	return fl.openReaderAs(ctx, immutable)
}

func (fl files) openReaderAs(ctx context.Context, how access) (*Reader, error) {
	info, err := os.Stat(fl.db)
	if err != nil {
		return nil, fmt.Errorf("open state %s: %w: %w", fl.db, state.ErrMissing, err)
	}
	db, err := openDB(ctx, fl.db, how, 1)
	if err != nil {
		return nil, readError(fl, err)
	}
	r := &Reader{readQueries: readQueries{files: fl}, db: db}
	r.settled = func() error {
		if how != immutable {
			return nil
		}
		now, err := os.Stat(fl.db)
		if err != nil || now.Size() != info.Size() || !now.ModTime().Equal(info.ModTime()) {
			return fmt.Errorf("read state %s: %w: try again", fl.db, state.ErrChanged)
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
			return &state.NewerError{Path: r.files.db, Have: version, Know: schemaVersion}
		}
		r.schema = version
		r.meta, err = readMeta(ctx, tx)
		r.lineage, r.identity = r.meta.lineage, r.meta.identity
		return err
	})
}

// Close lets go of the state.
func (r *Reader) Close() error {
	return errors.Join(r.tx.Rollback(), r.db.Close())
}

// Belongs returns a ForeignError if the state is not for id.
func (r *Reader) Belongs(id state.Identity) error { return r.identity.Match(r.files.db, id) }
