package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/spec"
)

// apply makes the change in the open transaction, and reckons it into m.
func (w *writer) apply(ctx context.Context, m *meta, c *change) error {
	if c.task != nil {
		if err := w.putTask(ctx, m, c.task); err != nil {
			return fmt.Errorf("save record %s: %w", c.task.key, err)
		}
	}
	if c.forget != nil {
		if err := w.forgetTask(ctx, m, *c.forget); err != nil {
			return fmt.Errorf("forget record %s: %w", *c.forget, err)
		}
	}
	if c.control != "" {
		if err := w.exec(ctx, upsertControl, c.control, checksum("control", c.control)); err != nil {
			return fmt.Errorf("save control: %w", err)
		}
	}
	if c.answered != nil {
		if err := w.answer(ctx, c.answered); err != nil {
			return fmt.Errorf("answer word %d: %w", c.answered.ID, err)
		}
	}
	for _, e := range c.events {
		if err := w.putEvent(ctx, m, e); err != nil {
			return fmt.Errorf("save event: %w", err)
		}
	}
	return nil
}

func (w *writer) putTask(ctx context.Context, m *meta, t *taskRow) error {
	if err := w.uncount(ctx, m, t.key); err != nil {
		return err
	}
	columns := t.columns()
	crc := checksum("tasks", columns...)
	if err := w.exec(ctx, upsertTask, append(columns, crc)...); err != nil {
		return err
	}
	m.tasks, m.tasksSum = m.tasks+1, m.tasksSum+crc
	return nil
}

func (w *writer) forgetTask(ctx context.Context, m *meta, key spec.Key) error {
	if err := w.uncount(ctx, m, key); err != nil {
		return err
	}
	return w.exec(ctx, deleteTask, key.ProjectID, key.TaskID)
}

// uncount takes the row that is about to change, if there is one, out of the sum.
func (w *writer) uncount(ctx context.Context, m *meta, key spec.Key) error {
	crc, err := w.number(ctx, selectTaskCRC, key.ProjectID, key.TaskID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	m.tasks, m.tasksSum = m.tasks-1, m.tasksSum-crc
	return err
}

func (w *writer) putEvent(ctx context.Context, m *meta, row eventRow) error {
	row.follow(m.events, m.hash)
	columns := row.columns()
	if err := w.exec(ctx, insertEvent, append(columns, checksum("history", columns...))...); err != nil {
		return err
	}
	m.events, m.hash = row.seq, row.hash
	return nil
}

// answer carries the answer of a word into its row, and lets old words go.
func (w *writer) answer(ctx context.Context, a *AnsweredWord) error {
	row, err := one(ctx, w, scanWord, selectWord, a.ID)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !row.answeredAt.IsZero() {
		return rejected{ErrNoWord}
	}
	if _, ok := errors.AsType[*DamagedError](err); ok {
		return rejected{err} // by whoever wrote it; the disk is well
	}
	if err != nil {
		return err
	}
	row.answeredAt, row.answer = time.Now(), Answer{OK: a.Answer.OK, Message: Clip(a.Answer.Message)}
	err = w.exec(ctx, answerWord, unixMilli(row.answeredAt), fromBool(row.answer.OK), row.answer.Message,
		checksum("words", row.columns()...), a.ID)
	if err != nil {
		return err
	}
	return w.exec(ctx, pruneWords, a.ID-keepWords)
}

// keepWords is how many answered words are kept at the least.
const keepWords = 1000
