package sqlstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// newMeta returns the meta row of a state that begins now.
func newMeta(id state.Identity) meta {
	return meta{lineage: rand.Text(), identity: id, created: time.Now()}
}

// fresh reports whether there is nothing of a state: nothing at all, or what is
// left of a creation that did not finish.
func (fl files) fresh() (bool, error) {
	if exists(fl.db) {
		return false, nil
	}
	if exists(fl.wal) {
		return false, fmt.Errorf("open state %s: %w: its log %s is there and the database is not: put the database back", fl.db, state.ErrMissing, fl.wal)
	}
	if !exists(fl.head) {
		return true, nil
	}
	h, err := fl.readHead()
	if err != nil {
		return false, err
	}
	if h.serial > 0 {
		return false, fmt.Errorf("open state %s: %w: it was at serial %d: put the database back, or, to begin a new state in which nothing is applied, remove %s",
			fl.db, state.ErrMissing, h.serial, fl.head)
	}
	return true, nil
}

// filler adds to a new state, in the transaction that creates it.
type filler func(ctx context.Context, w *writer, m *meta) error

// begun is the filler of a state that begins with nothing.
func begun(opt Options) filler {
	return func(ctx context.Context, w *writer, m *meta) error {
		c, err := newChange(state.Transition{Events: []state.Event{{At: time.Now(), Kind: state.EventState, Actor: opt.Actor, Note: "created"}}})
		if err != nil {
			return err
		}
		return w.apply(ctx, m, &c)
	}
}

// create makes the state on the side and puts it in place when it is durable. The
// head comes first, with the serial 0: from it on, a database of that lineage is
// expected, and none has been in use.
func create(ctx context.Context, fl files, m meta, fill filler, fault func(string) error) error {
	if err := replaceFile(fl.head, head{m.lineage, 0}.line()); err != nil {
		return err
	}
	tmp := fl.db + ".new"
	if err := remove(tmp, tmp+"-journal"); err != nil {
		return err
	}
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	m, err = fillNew(ctx, tmp, m, fill, fault)
	if err != nil {
		return errors.Join(dbError(err), remove(tmp, tmp+"-journal", fl.head))
	}
	if err := renameFile(tmp, fl.db); err != nil {
		return err
	}
	return replaceFile(fl.head, head{m.lineage, m.serial}.line())
}

// fillNew makes the tables and the first rows in an empty file, and returns the
// meta row as it then is.
func fillNew(ctx context.Context, path string, m meta, fill filler, fault func(string) error) (_ meta, err error) {
	w, err := openWriter(ctx, path, creating, m, fault)
	if err != nil {
		return meta{}, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	err = w.transact(ctx, func(next *meta) error {
		if err := w.makeTables(ctx); err != nil {
			return err
		}
		return fill(ctx, w, next)
	})
	return w.meta, err
}

// makeTables makes what every state has.
func (w *writer) makeTables(ctx context.Context) error {
	if err := makeSchema(ctx, w.conn, 0); err != nil {
		return err
	}
	columns, err := w.metaColumns(&w.meta)
	if err != nil {
		return err
	}
	if err := w.exec(ctx, insertMeta, append(columns, checksum("meta", columns...))...); err != nil {
		return err
	}
	const nothing = "{}"
	return w.exec(ctx, upsertControl, nothing, checksum("control", nothing))
}

// remove removes the files that are there.
func remove(names ...string) error {
	for _, name := range names {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
