package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore/sqlrow"
	"github.com/wedatasync/wedatasync/state/statefile"
)

// Report says what Check has found whole.
type Report struct {
	Path     string         `json:"path"`
	Identity state.Identity `json:"identity,omitzero"`
	Lineage  string         `json:"lineage,omitempty"`
	Serial   int64          `json:"serial"`
	Head     int64          `json:"head_serial"` // what the head file says; 0 if it cannot be read
	Records  int64          `json:"records"`
	Events   int64          `json:"events"`
	Commands int64          `json:"commands"`
	Words    int64          `json:"words"` // Commands, by its name of before; goes with 2.0
}

// Check reads all of a state and verifies it: the structure of the database, every
// row, the chain of the history, and the head. It changes nothing and takes no
// lock. The error is the first fault, and one of the kinds that Open returns; the
// report has what was read up to there.
func Check(ctx context.Context, path string) (Report, error) {
	fl, err := statefile.Locate(path)
	if err != nil {
		return Report{Path: path}, err
	}
	// The head is read first: a state in use may move on, and is never behind it.
	h, headErr := fl.ReadHead()
	rep, m, err := checkContent(ctx, fl)
	rep.Head = h.Serial
	if err == nil {
		err = headErr
	}
	if err == nil {
		err = h.Check(fl, m.Head())
	}
	return rep, err
}

// checkContent verifies what is in the database.
func checkContent(ctx context.Context, fl statefile.Files) (Report, sqlrow.Meta, error) {
	var rep Report
	var m sqlrow.Meta
	err := inspect(ctx, fl, func(r *Reader) error {
		m = r.meta
		rep = Report{Path: fl.DB, Identity: m.Identity, Lineage: m.Lineage, Serial: m.Serial}
		return r.checkRows(ctx, &rep)
	})
	return rep, m, err
}

// checkRows reads every row there is.
func (r *Reader) checkRows(ctx context.Context, rep *Report) error {
	if err := r.view(ctx, func(tx *sql.Tx) error { return checkPages(ctx, tx) }); err != nil {
		return err
	}
	if _, err := r.Control(ctx); err != nil {
		return err
	}
	for rec, err := range r.Records(ctx) {
		if err != nil {
			return err
		}
		if err := rec.Check(); err != nil {
			return &state.DamagedError{Path: r.files.DB, Table: "tasks", Row: rec.Key.String(), Detail: err.Error()}
		}
		rep.Records++
	}
	ends := tailEvents{}
	for row, err := range r.events(ctx) {
		if err != nil {
			return err
		}
		if err := ends.follow(&row); err != nil {
			return readError(r.files, err)
		}
		if _, err := row.Decode(); err != nil {
			return readError(r.files, err)
		}
		rep.Events++
	}
	if err := r.view(ctx, func(tx *sql.Tx) error { return ends.check(ctx, tx) }); err != nil {
		return err
	}
	return r.view(ctx, func(tx *sql.Tx) error {
		for _, err := range scan(ctx, tx, sqlrow.ScanCommand, selectAllCommands) {
			if err != nil {
				return err
			}
			rep.Commands++
			rep.Words = rep.Commands
		}
		return nil
	})
}

// events yields the whole history, the oldest first, and makes sure that it is
// the chain that was written. An error is the last thing it yields.
func (r *Reader) events(ctx context.Context) iter.Seq2[sqlrow.Event, error] {
	return func(yield func(sqlrow.Event, error) bool) {
		stopped := false
		err := r.view(ctx, func(tx *sql.Tx) error {
			var tip sqlrow.Event
			for row, err := range scan(ctx, tx, sqlrow.ScanEvent, selectAllEvents) {
				if err != nil {
					return err
				}
				if row.Seq != tip.Seq+1 || row.Hash != sqlrow.Chain(tip.Hash, row.JSON) {
					return &state.DamagedError{Table: "history", Row: strconv.FormatInt(row.Seq, 10), Detail: "it does not follow the event before it"}
				}
				tip = row
				if !yield(row, nil) {
					stopped = true
					return nil
				}
			}
			return r.meta.CheckTip(tip.Seq, tip.Hash)
		})
		if err != nil && !stopped {
			yield(sqlrow.Event{}, err)
		}
	}
}

// tailEvents checks, along the whole history, that the events of each task lead to one
// another.
type tailEvents map[spec.Key]tailEvent

// follow takes the next event of the history.
func (t tailEvents) follow(row *sqlrow.Event) error {
	if row.Key == (spec.Key{}) {
		return nil
	}
	if row.Prev != t[row.Key].newest {
		return misplaced(row.Seq)
	}
	t[row.Key] = tailEvent{row.Key, row.Seq, row.Loose}
	return nil
}

// check makes sure that the newest event of each task is found: from its record, or
// as a loose one.
func (t tailEvents) check(ctx context.Context, tx *sql.Tx) error {
	for end, err := range scan(ctx, tx, scanTailEvent, selectTrails) {
		if err != nil {
			return err
		}
		if end.newest != t[end.key].newest {
			return &state.DamagedError{Table: "tasks", Row: end.key.String(), Detail: "it does not lead to its newest event"}
		}
		delete(t, end.key)
	}
	for _, end := range t {
		if end.loose != 1 {
			return misplaced(end.newest)
		}
	}
	return nil
}

func scanTailEvent(row sqlrow.Scanner) (tailEvent, error) {
	var t tailEvent
	err := row.Scan(&t.key.ProjectID, &t.key.TaskID, &t.newest)
	return t, err
}

// Accept takes the database at path as the state of id, whatever its head file,
// its lineage and its identity say: an operator has put it there. It must be whole,
// and nobody may hold it. Control.Restored is set, so that the next plan with a
// call is held for approval.
func Accept(ctx context.Context, path string, id state.Identity, opt Options) (err error) {
	fl, lock, err := hold(path, opt)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	h, _ := fl.ReadHead() // what is wrong with the head is what is accepted
	_, m, err := checkContent(ctx, fl)
	if err != nil {
		return err
	}
	m, err = accept(ctx, fl, m, h, id, opt)
	if err != nil {
		return fmt.Errorf("accept state %s: %w", fl.DB, dbError(err))
	}
	return statefile.Replace(fl.Head, m.Head().Line())
}

// accept writes in the state that it was accepted, before the head says so, and
// returns its new meta row. Its serial is then greater than any before.
func accept(ctx context.Context, fl statefile.Files, m sqlrow.Meta, h statefile.Head, id state.Identity, opt Options) (_ sqlrow.Meta, err error) {
	w, err := openWriter(ctx, fl.DB, readWrite, m, opt.fault)
	if err != nil {
		return sqlrow.Meta{}, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.resume(ctx); err != nil {
		return sqlrow.Meta{}, err
	}
	if err := migrate(ctx, w, opt); err != nil {
		return sqlrow.Meta{}, err
	}
	control, err := readControl(ctx, w)
	if err != nil {
		return sqlrow.Meta{}, err
	}
	control.Restored = true
	note := fmt.Sprintf("accepted at serial %d of lineage %s; the head had %d of %q; the source was %q", m.Serial, m.Lineage, h.Serial, h.Lineage, m.Identity.Source)
	err = w.transact(ctx, func(next *sqlrow.Meta) error {
		next.Identity, next.Serial = id, max(next.Serial, h.Serial)
		return w.note(ctx, next, &control, opt, note)
	})
	return w.meta, err
}
