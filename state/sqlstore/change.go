package sqlstore

import (
	"fmt"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
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
	answered *state.CarriedOut
	events   []eventRow // without their place in the history
}

// newChange checks a transition before it meets the transactions of others.
func newChange(t state.Transition) (change, error) {
	c := change{forget: t.Forget, answered: t.CarriedOut, events: make([]eventRow, len(t.Events))}
	if err := t.Check(); err != nil {
		return change{}, err
	}
	if t.Record != nil {
		row, err := newTaskRow(t.Record)
		if err != nil {
			return change{}, fmt.Errorf("save record %s: %w", t.Record.Key, err)
		}
		c.task = &row
	}
	if t.Control != nil {
		text, err := marshal(boundControl(*t.Control))
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

// checkSize reports that a row of that many bytes is too much.
func checkSize(size, limit int) error {
	if size > limit {
		return fmt.Errorf("it has %d bytes, at most %d are kept", size, limit)
	}
	return nil
}
