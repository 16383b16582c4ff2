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

// Transition is what changes together: it is durable as a whole or not at all.
// Nil parts stay as they are.
type Transition struct {
	Record  *Record   // the task's new record
	Forget  *spec.Key // the task whose record goes, as nothing was applied: without a Record, and with an event of the task
	Control *Control
	// CarriedOut is the command that this carries out.
	CarriedOut *CarriedOut
	Events     []Event // appended in order; at least one, so that nothing changes without a trace
}

// Check reports what makes a transition one that cannot be saved.
func (t *Transition) Check() error {
	if len(t.Events) == 0 {
		return errors.New("save transition: it has no event")
	}
	if t.Forget != nil {
		if err := t.checkForget(); err != nil {
			return fmt.Errorf("remove record %s: %w", *t.Forget, err)
		}
	}
	if t.Record != nil {
		if err := t.Record.Check(); err != nil {
			return fmt.Errorf("save record %s: %w", t.Record.Key, err)
		}
	}
	return nil
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

// Check reports what makes a record one that cannot be.
func (r *Record) Check() error {
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
		if id == "" || utf8.RuneCountInString(id) > spec.MaxID || !utf8.ValidString(id) || strings.ContainsFunc(id, notInID) {
			return fmt.Errorf("%q is not an id", Clip(id))
		}
	}
	return nil
}

func notInID(r rune) bool { return r == ' ' || text.Hidden(r) }
