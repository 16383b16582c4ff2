package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/state"
)

// The exit codes. They are part of the contract: scripts depend on them.
const (
	exitDone    = 0  // done, nothing left
	exitError   = 1  // an error
	exitChanges = 2  // plan --detailed-exitcode: changes pending
	exitHeld    = 3  // held by a guard
	exitPartial = 4  // some commits refused or waiting, the rest applied
	exitUnknown = 6  // an unknown outcome remains
	exitLocked  = 7  // the state is locked by another process
	exitUsage   = 64 // the command line cannot be understood (sysexits.h)
)

// exitStatus is an outcome that is no error but has a code of its own.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// usageError is a command line that cannot be understood.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// exitCode is the one table from errors to codes.
func exitCode(err error) int {
	if status, ok := errors.AsType[exitStatus](err); ok {
		return int(status)
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if errors.Is(err, state.ErrLocked) {
		return exitLocked
	}
	if err != nil {
		return exitError
	}
	return exitDone
}

// complain is the one place that prints an error.
func complain(w io.Writer, err error) {
	if _, ok := errors.AsType[exitStatus](err); ok || err == nil {
		return
	}
	lines := strings.Split(strings.TrimRight(err.Error(), "\n"), "\n")
	for i, line := range lines {
		lines[i] = text.Visible(strings.TrimRight(line, "\r"))
	}
	fmt.Fprintf(w, "wedatasync: %s\n", strings.Join(lines, "\n"))
	if errors.Is(err, state.ErrMissing) {
		fmt.Fprintln(w, "Set --state to the state's file; after run --simulate: wedatasync status --simulate")
	}
	if _, ok := errors.AsType[usageError](err); ok {
		fmt.Fprintln(w, "See: wedatasync help")
	}
}

// passStatus returns the code for how a single pass has ended, the gravest first.
func passStatus(r *reconcile.Result) error {
	outcome := explain.Summarize(r.Left, nil).Outcome()
	if r.Superseded && outcome != explain.OutcomeUnknown {
		outcome = explain.OutcomeFailed
	}
	return outcomeStatus(outcome)
}

// outcomeStatus returns the code for how far a revision is.
func outcomeStatus(o explain.Outcome) error {
	switch o {
	case explain.OutcomeUnknown:
		return exitStatus(exitUnknown)
	case explain.OutcomeFailed:
		return exitStatus(exitError)
	case explain.OutcomeHeld:
		return exitStatus(exitHeld)
	case explain.OutcomeDone:
		return nil
	default:
		return exitStatus(exitPartial)
	}
}
