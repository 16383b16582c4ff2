package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/term"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/output"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/internal/usage"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/state"
)

// stdio is the world around a command, so that tests can be it.
type stdio struct {
	in     io.Reader
	out    io.Writer // results
	err    io.Writer // logs, progress, complaints
	getenv func(string) string
	// hangup returns a channel of SIGHUP, which no longer ends the program then.
	hangup func() <-chan os.Signal
	// outTerminal and errTerminal are true if a person watches.
	outTerminal bool
	errTerminal bool
	width       int // of the terminal, in columns; 0 if unknown
}

func system() stdio {
	s := stdio{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv, hangup: hangup,
		outTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		errTerminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		s.width = width
	}
	return s
}

func hangup() <-chan os.Signal {
	hangups := make(chan os.Signal, 1) // of several, one is enough
	signal.Notify(hangups, syscall.SIGHUP)
	return hangups
}

// colour reports whether results may be coloured (no-color.org).
func (s *stdio) colour() bool {
	return s.outTerminal && s.getenv("NO_COLOR") == "" && s.getenv("TERM") != "dumb"
}

// streams are where results go that are in no file.
func (s *stdio) streams() output.Streams {
	return output.Streams{Out: s.out, Err: s.err, Color: s.colour(), Width: s.width, Version: version()}
}

// env is what a command gets from outside in addition to its settings.
func (s *stdio) env(f *config.Flags) parts.Env {
	return parts.Env{
		Getenv: s.getenv, Log: s.err, Version: version(), Quiet: !f.Given("log-level"),
		OwnState: f.Given("state"), Stateless: !f.HasState(),
	}
}

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
	if isUsage(err) {
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

// isUsage reports whether the command line, the environment or the configuration file is at
// fault.
func isUsage(err error) bool {
	_, given := errors.AsType[usageError](err)
	_, mistyped := errors.AsType[*usage.Error](err)
	_, setting := errors.AsType[*config.SettingError](err)
	return given || mistyped || setting
}

// complain is the one place that prints an error, with the command whose help tells more.
func complain(w io.Writer, err error, command string) {
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
	if isUsage(err) {
		fmt.Fprintf(w, "See: %s --help\n", command)
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
