package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore/sqlrow"
)

// request is what one call of Save or SaveAll waits for.
type request struct {
	changes []change
	done    chan error // of size 1
}

// maxBatch bounds how many requests share a transaction.
const maxBatch = 256

// Save makes the transition durable as a whole: when it returns nil, a power cut
// does not undo it. Calls at the same time share one transaction. ErrFull and
// ErrBusy mean that nothing was written and Save may be tried again; ErrBroken,
// that the disk has failed and the store takes no more changes. An error of ctx
// means that nothing was written; once the write has begun, ctx does not end it.
func (s *Store) Save(ctx context.Context, t state.Transition) error {
	return s.SaveAll(ctx, []state.Transition{t})
}

// SaveAll makes all transitions durable in one transaction: all of them or none.
// Its errors are Save's.
func (s *Store) SaveAll(ctx context.Context, ts []state.Transition) error {
	if len(ts) == 0 {
		return nil
	}
	r := &request{changes: make([]change, len(ts)), done: make(chan error, 1)}
	for i, t := range ts {
		var err error
		if r.changes[i], err = newChange(t); err != nil {
			return err
		}
	}
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("save to state: %w", err)
	}
	s.enqueue(r)
	for {
		select {
		case err := <-r.done:
			return err
		default:
		}
		select {
		case err := <-r.done:
			return err
		case s.turn <- struct{}{}:
			s.write()
		case <-ctx.Done():
			if s.withdraw(r) {
				return fmt.Errorf("save to state: %w", context.Cause(ctx))
			}
			return <-r.done
		case <-s.closed:
			if s.withdraw(r) {
				return fmt.Errorf("save to state: %w", state.ErrClosed)
			}
			return <-r.done
		}
	}
}

func (s *Store) enqueue(r *request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, r)
}

// withdraw takes r out of the queue, unless it is being written.
func (s *Store) withdraw(r *request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.queue, r)
	if i < 0 {
		return false
	}
	s.queue = slices.Delete(s.queue, i, i+1)
	return true
}

// gather takes what waits out of the queue.
func (s *Store) gather() []*request {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.queue), maxBatch)
	batch := slices.Clone(s.queue[:n])
	s.queue = slices.Delete(s.queue, 0, n)
	return batch
}

// write writes what waits, as the one whose turn it is: what it waits for itself,
// and what others asked for while someone else wrote. Nothing is handed to another
// goroutine: for one that saves alone, that would take as long as a part of the sync.
func (s *Store) write() {
	if batch := s.gather(); len(batch) > 0 {
		s.writeBatch(batch)
	}
	if s.broken == nil && s.pages >= pagesPerCheckpoint {
		go func() {
			defer func() { <-s.turn }()
			_ = s.checkpoint() // nobody waits for it; if it fails, the next transaction meets it
		}()
		return
	}
	<-s.turn
}

// writeBatch writes the batch and tells each request what became of it.
func (s *Store) writeBatch(batch []*request) {
	err := s.transact(batch)
	if _, ok := errors.AsType[rejected](err); ok && len(batch) > 1 {
		// One of them cannot be written: it must not take the others with it.
		for _, r := range batch {
			r.done <- s.transact([]*request{r})
		}
		return
	}
	for _, r := range batch {
		r.done <- err
	}
}

// transact writes the batch in one transaction, and the head after it.
func (s *Store) transact(batch []*request) error {
	if s.broken != nil {
		return s.broken
	}
	if err := s.checkpoint(); err != nil {
		return err
	}
	// The requests are let go of only when their outcome is known: no context ends this.
	ctx := context.Background()
	err := s.writer.transact(ctx, func(m *sqlrow.Meta) error {
		for _, r := range batch {
			for i := range r.changes {
				if err := s.writer.apply(ctx, m, &r.changes[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == nil {
		err = s.head.Write(s.writer.meta.Serial)
	}
	if err != nil {
		return s.failed(err)
	}
	for _, r := range batch {
		s.pages += pagesPerTransaction + len(r.changes)
	}
	return nil
}

// pagesPerTransaction is about how many pages a small transaction adds to the log.
const pagesPerTransaction = 5

// failed says what an error means for the requests of now and, unless it is
// harmless, of ever after: when a write has failed nobody knows what the disk
// holds, and a repeated sync may report success for data that is gone.
func (s *Store) failed(err error) error {
	if harmless(err) {
		return fmt.Errorf("save to state %s: %w", s.files.DB, err)
	}
	s.broken = fmt.Errorf("save to state %s: %w: start again when the disk is well: %w", s.files.DB, state.ErrBroken, err)
	s.log.Error("state can no longer be written", "path", s.files.DB, "error", err)
	return s.broken
}

// checkpoint moves the log to the database when there is enough of it. While that fails
// for want of space nothing is written: a log that grows without end would need
// space where SQLite cannot tell a full disk from a broken one.
func (s *Store) checkpoint() error {
	if s.pages < pagesPerCheckpoint {
		return nil
	}
	err := s.writer.at("checkpoint")
	if err == nil {
		err = dbError(s.writer.exec(context.Background(), checkpointLog))
	}
	if err != nil {
		return s.failed(fmt.Errorf("move log: %w", err))
	}
	s.pages = 0
	return nil
}

// SaveNotices keeps the notices of put, and removes those of drop, in one transaction. It
// changes nothing of what was applied, and no serial: a notice is no part of that. Its
// errors are Save's.
func (s *Store) SaveNotices(ctx context.Context, put, drop []state.Notice) error {
	for i := range put {
		if err := put[i].Check(); err != nil {
			return err
		}
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return fmt.Errorf("save notices: %w", context.Cause(ctx))
	case <-s.closed:
		return fmt.Errorf("save notices: %w", state.ErrClosed)
	}
	if s.broken != nil {
		return s.broken
	}
	if err := s.checkpoint(); err != nil {
		return err
	}
	if err := s.writer.saveNotices(context.WithoutCancel(ctx), put, drop); err != nil {
		return s.failed(err)
	}
	s.pages += pagesPerTransaction + len(put) + len(drop)
	return nil
}

// saveNotices does what SaveNotices does, in a transaction that leaves the serial as it is.
func (w *writer) saveNotices(ctx context.Context, put, drop []state.Notice) (err error) {
	if err := w.exec(ctx, beginWrite); err != nil {
		return fmt.Errorf("begin transaction: %w", dbError(err))
	}
	defer func() {
		if err != nil {
			_ = w.exec(ctx, rollbackTx) // after a failed commit there may be none
			err = fmt.Errorf("save notices: %w", dbError(err))
		}
	}()
	if err := w.exec(ctx, dialect(createNotices)); err != nil {
		return err
	}
	for i := range put {
		columns := noticeColumns(&put[i])
		if err := w.exec(ctx, upsertNotice, append(columns, sqlrow.Checksum("notices", columns...))...); err != nil {
			return err
		}
	}
	for i := range drop {
		if err := w.exec(ctx, deleteNotice, drop[i].Receiver, drop[i].ID); err != nil {
			return err
		}
	}
	return w.commit(ctx)
}

func noticeColumns(n *state.Notice) []any {
	return []any{n.Receiver, n.ID, sqlrow.UnixMilli(n.At), n.Body}
}

// Notices returns what receivers are notified of, the oldest of each first. A row that is
// damaged is left out: nothing that was applied depends on it.
func (s *Store) Notices(ctx context.Context) ([]state.Notice, error) {
	var list []state.Notice
	err := s.view(ctx, func(tx *sql.Tx) error {
		if ok, err := hasTable(ctx, tx, "notices"); err != nil || !ok {
			return err
		}
		for n, err := range scan(ctx, tx, s.scanNotice, selectNotices) {
			if err != nil {
				return err
			}
			if n.Receiver != "" {
				list = append(list, n)
			}
		}
		return nil
	})
	return list, err
}

// scanNotice reads a row; of a damaged one it returns the zero Notice.
func (s *Store) scanNotice(row sqlrow.Scanner) (state.Notice, error) {
	var n state.Notice
	var at, crc int64
	if err := row.Scan(&n.Receiver, &n.ID, &at, &n.Body, &crc); err != nil {
		return state.Notice{}, err
	}
	n.At = sqlrow.FromMilli(at)
	if err := sqlrow.Verify(crc, "notices", n.ID, noticeColumns(&n)); err != nil {
		s.log.Warn("a notice is left out", "receiver", n.Receiver, "error", err)
		return state.Notice{}, nil
	}
	return n, nil
}
