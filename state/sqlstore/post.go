package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// maxOpenWords bounds how many words may wait for an answer.
const maxOpenWords = 1000

// answerPoll is how often WaitAnswer looks.
const answerPoll = 50 * time.Millisecond

// PostWord leaves a word for whoever holds the state, now or later, and returns
// its id. It may be called by any process that may write to the state's files.
func PostWord(ctx context.Context, path string, word state.Word) (id int64, err error) {
	if err := word.Check(); err != nil {
		return 0, fmt.Errorf("post word: %w", err)
	}
	if err := checkHead(ctx, path); err != nil {
		return 0, fmt.Errorf("post word: %w", err)
	}
	w, err := openForWords(ctx, path)
	if err != nil {
		return 0, fmt.Errorf("post word: %w", err)
	}
	defer func() { err = errors.Join(err, w.close()) }()
	id, err = w.post(ctx, word)
	if err != nil {
		return 0, fmt.Errorf("post word: %w", dbError(err))
	}
	return id, nil
}

// checkHead makes sure that the state is not one that a daemon would refuse
// for being old: to open such a one for writing could destroy what is left of it.
func checkHead(ctx context.Context, path string) error {
	fl, err := locate(path)
	if err != nil {
		return err
	}
	h, err := fl.readHead()
	if err != nil {
		return err
	}
	return fl.inspect(ctx, func(r *Reader) error { return h.check(fl, r.meta) })
}

// openForWords opens a state that another process may hold, to write to its words
// and to nothing else.
func openForWords(ctx context.Context, path string) (*writer, error) {
	fl, err := locate(path)
	if err != nil {
		return nil, err
	}
	if !exists(fl.db) {
		return nil, fmt.Errorf("open state %s: %w", fl.db, state.ErrMissing)
	}
	w, err := openWriter(ctx, fl.db, readWrite, meta{}, nil)
	if err != nil {
		return nil, readError(fl, err)
	}
	version, err := readVersion(ctx, w)
	if err == nil && version > schemaVersion { // the table of words is the same in those before
		err = &state.NewerError{Path: fl.db, Have: version, Know: schemaVersion}
	}
	if err != nil {
		return nil, errors.Join(readError(fl, err), w.close())
	}
	return w, nil
}

// post adds the word in a transaction of its own.
func (w *writer) post(ctx context.Context, word state.Word) (id int64, err error) {
	if err := w.exec(ctx, beginWrite); err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			_ = w.exec(context.WithoutCancel(ctx), rollbackTx) // after a failed commit there may be none
		}
	}()
	open, err := one(ctx, w, scanValue[int64], countOpenWords)
	if err != nil {
		return 0, err
	}
	if open >= maxOpenWords {
		return 0, fmt.Errorf("%d words wait for an answer already: is the daemon running?", open)
	}
	last, err := one(ctx, w, scanValue[int64], selectLastWord)
	if err != nil {
		return 0, err
	}
	row := wordRow{Word: word}
	row.ID = last + 1
	if row.At.IsZero() {
		row.At = time.Now()
	}
	columns := row.columns()
	if err := w.exec(ctx, insertWord, append(columns, checksum("words", columns...))...); err != nil {
		return 0, err
	}
	return row.ID, w.exec(ctx, commitTx)
}

// WaitAnswer waits for the answer to a word, until ctx ends.
func WaitAnswer(ctx context.Context, path string, id int64) (_ state.Answer, err error) {
	w, err := openForWords(ctx, path)
	if err != nil {
		return state.Answer{}, fmt.Errorf("wait for the answer to word %d: %w", id, err)
	}
	defer func() { err = errors.Join(err, w.close()) }()
	tick := time.NewTicker(answerPoll)
	defer tick.Stop()
	for {
		row, err := one(ctx, w, scanWord, selectWord, id)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return state.Answer{}, fmt.Errorf("wait for the answer to word %d: %w", id, state.ErrNoWord)
		case err != nil:
			return state.Answer{}, fmt.Errorf("wait for the answer to word %d: %w", id, dbError(err))
		case !row.answeredAt.IsZero():
			return row.answer, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return state.Answer{}, fmt.Errorf("wait for the answer to word %d: %w", id, context.Cause(ctx))
		}
	}
}
