package state

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/spec"
)

// Bounds of what the state keeps, in bytes.
const (
	maxRow = 1 << 20 // the JSON of a record or an event: far above what specs allow
	// maxControl is more: an approval lists the calls of its plan.
	maxControl = 16 << 20
)

// change is a Transition, checked and in the form in which it is written.
type change struct {
	task     *taskRow
	forget   *spec.Key
	control  string // empty: stays
	answered *AnsweredWord
	events   []eventRow // without their place in the history
}

// newChange checks a transition before it meets the transactions of others.
func newChange(t Transition) (change, error) {
	c := change{forget: t.Forget, answered: t.Answered, events: make([]eventRow, len(t.Events))}
	if len(t.Events) == 0 {
		return change{}, errors.New("save transition: it has no event")
	}
	if t.Forget != nil {
		if err := t.checkForget(); err != nil {
			return change{}, fmt.Errorf("forget record %s: %w", *t.Forget, err)
		}
	}
	if t.Record != nil {
		if err := t.Record.check(); err != nil {
			return change{}, fmt.Errorf("save record %s: %w", t.Record.Key, err)
		}
		row, err := newTaskRow(t.Record)
		if err != nil {
			return change{}, fmt.Errorf("save record %s: %w", t.Record.Key, err)
		}
		c.task = &row
	}
	if t.Control != nil {
		text, err := marshal(t.Control.bounded())
		if err != nil {
			return change{}, fmt.Errorf("save control: %w", err)
		}
		if err := checkSize(len(text), maxControl); err != nil {
			return change{}, fmt.Errorf("save control: %w", err)
		}
		c.control = text
	}
	for i, e := range t.Events {
		var err error
		if c.events[i], err = newEventRow(e); err != nil {
			return change{}, fmt.Errorf("save event: %w", err)
		}
	}
	return c, nil
}

// checkForget reports what would leave the events of the task without a beginning.
func (t *Transition) checkForget() error {
	if t.Record != nil {
		return errors.New("the same transition has a record to save")
	}
	if !slices.ContainsFunc(t.Events, func(e Event) bool { return e.Key == *t.Forget }) {
		return errors.New("no event says so")
	}
	return nil
}

// checkSize reports that a row of that many bytes is too much.
func checkSize(size, limit int) error {
	if size > limit {
		return fmt.Errorf("it has %d bytes, at most %d are kept", size, limit)
	}
	return nil
}

// check reports what makes a record one that cannot be.
func (r *Record) check() error {
	if err := checkKey(r.Key); err != nil {
		return err
	}
	if r.Removed != nil && (r.Status == StatusNone || r.Status == StatusIntent || r.Status == StatusUnknown) {
		return fmt.Errorf("it is removed and its status is %s", r.Status)
	}
	switch r.Status {
	case StatusNone:
		if r.Applied != nil || r.Attempt != nil {
			return errors.New("it has an outcome and the status none")
		}
	case StatusApplied:
		if r.Applied == nil {
			return errors.New("its status is applied and it does not say what is")
		}
	case StatusIntent, StatusWaiting, StatusRefused, StatusUnknown:
		if r.Attempt == nil {
			return fmt.Errorf("its status is %s and it has no attempt", r.Status)
		}
	default:
		return fmt.Errorf("there is no status %q", r.Status)
	}
	return nil
}

// checkKey reports what makes a key one that no spec can have.
func checkKey(k spec.Key) error {
	for _, id := range []string{k.ProjectID, k.TaskID} {
		if id == "" || len(id) > spec.MaxID || !utf8.ValidString(id) || strings.ContainsFunc(id, notInID) {
			return fmt.Errorf("%q is not an id", Clip(id))
		}
	}
	return nil
}

func notInID(r rune) bool { return r == ' ' || text.Hidden(r) }
