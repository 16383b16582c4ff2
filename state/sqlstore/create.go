package sqlstore

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"time"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/statefile"
)

// newMeta returns the meta row of a state that begins now.
func newMeta(id state.Identity) meta {
	return meta{lineage: rand.Text(), identity: id, created: time.Now()}
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
func create(ctx context.Context, fl statefile.Files, m meta, fill filler, fault func(string) error) error {
	if err := statefile.Replace(fl.Head, statefile.Head{Lineage: m.lineage}.Line()); err != nil {
		return err
	}
	tmp := fl.DB + ".new"
	if err := statefile.Remove(tmp, tmp+"-journal"); err != nil {
		return err
	}
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, statefile.Mode)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	m, err = fillNew(ctx, tmp, m, fill, fault)
	if err != nil {
		return errors.Join(dbError(err), statefile.Remove(tmp, tmp+"-journal", fl.Head))
	}
	if err := statefile.Rename(tmp, fl.DB); err != nil {
		return err
	}
	return statefile.Replace(fl.Head, m.head().Line())
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
		if err := makeTables(ctx, w); err != nil {
			return err
		}
		return fill(ctx, w, next)
	})
	return w.meta, err
}

// makeTables makes what every state has.
func makeTables(ctx context.Context, w *writer) error {
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
