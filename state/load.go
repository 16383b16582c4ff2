package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/spec"
)

const (
	// savedShare says when records are saved anew: when as many transitions were made
	// as one in so many of the tasks. A start reads what has changed since one by one.
	savedShare = 8
	// savedAtLeast is how many it takes in any case.
	savedAtLeast = 1000
	// savedPause is the time between two savings: to read all of 100,000 tasks takes
	// about a second of a processor.
	savedPause = 10 * time.Minute
)

// Load returns all records. It takes those that were saved before, and of the
// database what has changed since, and believes that only if it adds up to what the
// database says of itself. What is in the other rows is then verified before the first
// Save, or by Verify.
func (s *Store) Load(ctx context.Context) (*Records, error) {
	var records *Records
	err := s.view(ctx, func(tx *sql.Tx) error {
		m, err := readMeta(ctx, tx)
		if err != nil {
			return err
		}
		var reason error
		if records, reason = s.loadSaved(ctx, tx, &m); reason == nil {
			return nil
		}
		s.log.DebugContext(ctx, "all records are read", "path", s.files.db, "reason", reason)
		records = newRecords(int(m.tasks))
		return s.readAll(ctx, tx, &m, records)
	})
	return records, err
}

// loadSaved brings the saved records up to the state that tx sees.
func (s *Store) loadSaved(ctx context.Context, tx *sql.Tx, m *meta) (*Records, error) {
	saved, err := openSaved(s.files.records)
	if err != nil {
		return nil, err
	}
	hash, err := one(ctx, tx, scanValue[string], selectEventHash, saved.events)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	if saved.lineage != m.lineage || hash != saved.hash {
		return nil, fmt.Errorf("%w: they are of another state", errNoSaved)
	}
	changed, err := changedSince(ctx, tx, m, saved.events)
	if err != nil {
		return nil, err
	}
	records := newRecords(int(max(saved.tasks, m.tasks)))
	sum, err := saved.take(records, changed)
	if err != nil {
		return nil, err
	}
	for key := range changed {
		row, err := one(ctx, tx, scanTask, selectTask, key.ProjectID, key.TaskID)
		if errors.Is(err, sql.ErrNoRows) {
			continue // forgotten since
		}
		if err != nil {
			return nil, err
		}
		rec, err := recordOf(&row)
		if err != nil {
			return nil, err
		}
		records.Put(rec)
		sum += row.crc
	}
	if err := m.checkTasks(int64(records.all()), sum); err != nil {
		return nil, err
	}
	s.saved.Store(saved.events)
	s.unverified.Store(true)
	return records, nil
}

// changedSince returns the tasks that have changed since the event seq, if they are
// few: each transition of a record has an event that names it.
func changedSince(ctx context.Context, tx *sql.Tx, m *meta, seq int64) (map[spec.Key]bool, error) {
	most := max(savedAtLeast, m.tasks/savedShare)
	changed := map[spec.Key]bool{}
	if m.events-seq > 8*most {
		return nil, fmt.Errorf("%w: %d events were written since", errNoSaved, m.events-seq)
	}
	scanKey := func(row scanner) (spec.Key, error) {
		var key spec.Key
		err := row.Scan(&key.ProjectID, &key.TaskID)
		return key, err
	}
	for key, err := range scan(ctx, tx, scanKey, selectChanged, seq, most+1) {
		if err != nil {
			return nil, err
		}
		changed[key] = true
	}
	if int64(len(changed)) > most {
		return nil, fmt.Errorf("%w: more than %d tasks have changed since", errNoSaved, most)
	}
	return changed, nil
}

// readAll reads all rows of tasks and saves them. It puts the records into records,
// unless that is nil.
func (s *Store) readAll(ctx context.Context, tx *sql.Tx, m *meta, records *Records) error {
	keep := records != nil
	if !keep {
		records = newRecords(0) // for its dictionary
	}
	reader, packed := newRecordReader(), []byte(nil)
	w := newSavedWriter(s.files.records)
	for row, err := range tasks(ctx, tx, m, selectTasks) {
		var rec Record
		if err == nil {
			rec, err = reader.record(&row)
		}
		if err != nil {
			w.drop()
			return err
		}
		if packs(&rec) {
			packed = records.packer.append(packed[:0], &rec)
		}
		w.add(&rec, packed, row.crc)
		switch {
		case !keep:
		case packs(&rec):
			records.of(&rec).packed[rec.Key] = string(packed)
		default:
			records.of(&rec).whole[rec.Key] = &rec
		}
	}
	if err := w.done(savedOf{m.lineage, m.events, m.hash, m.tasks}, records.packer.texts); err != nil {
		s.log.WarnContext(ctx, "the next start will take longer", "path", s.files.db, "error", err)
		return nil
	}
	s.saved.Store(m.events)
	return nil
}

// Verify reads the rows of all tasks if Load has gone by saved records, and returns an
// error if they are not as they were written. The first Save does the same before it
// writes: a damaged state is found before anything is done.
func (s *Store) Verify(ctx context.Context) error {
	if !s.unverified.Load() {
		return nil
	}
	s.verifying.Lock()
	defer s.verifying.Unlock()
	if !s.unverified.Load() {
		return nil
	}
	err := s.view(ctx, func(tx *sql.Tx) error {
		m, err := readMeta(ctx, tx)
		if err != nil {
			return err
		}
		for _, err := range tasks(ctx, tx, &m, selectTasks) {
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.unverified.Store(false)
	}
	return err
}

// keepSaved saves the records anew, beside what else is done, once enough of those
// that Load has read have changed. It is called by who has the turn.
func (s *Store) keepSaved() {
	events, tasks := s.writer.meta.events, s.writer.meta.tasks
	saved := s.saved.Load()
	if saved == 0 || events-saved < max(savedAtLeast, tasks/savedShare) || time.Since(s.savedAt) < savedPause {
		return
	}
	s.savedAt = time.Now()
	s.beside.Go(func() {
		err := s.view(s.life, func(tx *sql.Tx) error {
			m, err := readMeta(s.life, tx)
			if err != nil {
				return err
			}
			return s.readAll(s.life, tx, &m, nil)
		})
		if err != nil && s.life.Err() == nil {
			s.log.Warn("the records could not be saved: the next start will take longer", "path", s.files.db, "error", err)
		}
	})
}
