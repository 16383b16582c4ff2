package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"github.com/wedatasync/wedatasync/state"
)

// inspect runs f on one moment of the state. Should the state come into use in
// between, it begins again.
func (fl files) inspect(ctx context.Context, f func(*Reader) error) error {
	const attempts = 3
	var err error
	for range attempts {
		if err = fl.inspectOnce(ctx, f); !errors.Is(err, state.ErrChanged) {
			return err
		}
	}
	return err
}

func (fl files) inspectOnce(ctx context.Context, f func(*Reader) error) error {
	r, err := fl.openReader(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(r), r.Close())
}

// verify makes sure, as far as can be told at once, that the state is the newest
// one of id, and returns its meta row. It only reads: a state that is refused
// stays as it was found, its log included.
func (fl files) verify(ctx context.Context, id state.Identity) (meta, error) {
	h, err := fl.readHead()
	if err != nil {
		return meta{}, err
	}
	var m meta
	return m, fl.inspect(ctx, func(r *Reader) error {
		m = r.meta
		return r.verify(ctx, h, id)
	})
}

// verify compares what the state says of itself with its head and with id.
func (r *Reader) verify(ctx context.Context, h head, id state.Identity) error {
	if err := h.check(r.files, r.meta); err != nil {
		return err
	}
	if err := r.identity.Match(r.files.db, id); err != nil {
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
		tip, err := one(ctx, tx, scanEventRow, selectEvents, int64(math.MaxInt64), 1)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		return r.meta.checkTip(tip.seq, tip.hash)
	})
}

// checkTip reports whether seq and hash are those of the newest event.
func (m *meta) checkTip(seq int64, hash string) error {
	if seq != m.events || hash != m.hash {
		return &state.DamagedError{Table: "history", Detail: fmt.Sprintf("it ends with event %d, not with the event %d that was written last", seq, m.events)}
	}
	return nil
}
