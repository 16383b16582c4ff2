package sqlstore

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore/sqlrow"
	"github.com/wedatasync/wedatasync/state/statefile"
)

// newMeta returns the meta row of a state that begins now.
func newMeta(id state.Identity) sqlrow.Meta {
	return sqlrow.Meta{Lineage: rand.Text(), Identity: id, Created: time.Now()}
}

// filler adds to a new state, in the transaction that creates it.
type filler func(ctx context.Context, w *writer, m *sqlrow.Meta) error

// begun is the filler of a state that begins with nothing.
func begun(opt Options) filler {
	return func(ctx context.Context, w *writer, m *sqlrow.Meta) error {
		return w.note(ctx, m, nil, opt, "created")
	}
}

// create makes the state on the side and puts it in place when it is durable. The
// head comes first, with the serial 0: from it on, a database of that lineage is
// expected, and none has been in use.
func create(ctx context.Context, fl statefile.Files, m sqlrow.Meta, fill filler, fault func(string) error) error {
	if err := statefile.Replace(fl.Head, statefile.Head{Lineage: m.Lineage}.Line()); err != nil {
		return err
	}
	tmp := fl.DB + ".new"
	if err := statefile.Remove(tmp, tmp+"-journal"); err != nil {
		return err
	}
	if err := statefile.Create(tmp); err != nil {
		return err
	}
	m, err := fillNew(ctx, tmp, m, fill, fault)
	if err != nil {
		return errors.Join(dbError(err), statefile.Remove(tmp, tmp+"-journal", fl.Head))
	}
	if err := statefile.Rename(tmp, fl.DB); err != nil {
		return err
	}
	return statefile.Replace(fl.Head, m.Head().Line())
}

// fillNew makes the tables and the first rows in an empty file, and returns the
// meta row as it then is.
func fillNew(ctx context.Context, path string, m sqlrow.Meta, fill filler, fault func(string) error) (_ sqlrow.Meta, err error) {
	w, err := openWriter(ctx, path, creating, m, fault)
	if err != nil {
		return sqlrow.Meta{}, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	err = w.transact(ctx, func(next *sqlrow.Meta) error {
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
	if err := makeIndexes(ctx, w); err != nil {
		return err
	}
	columns, err := w.metaColumns(&w.meta)
	if err != nil {
		return err
	}
	if err := w.exec(ctx, insertMeta, append(columns, sqlrow.Checksum("meta", columns...))...); err != nil {
		return err
	}
	const nothing = "{}"
	return w.exec(ctx, upsertControl, nothing, sqlrow.Checksum("control", nothing))
}
