package main

import (
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/parts"
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

// env is what a command gets from outside in addition to its settings.
func (s *stdio) env(f *config.Flags) parts.Env {
	return parts.Env{
		Getenv: s.getenv, Log: s.err, Version: version(), Quiet: !f.Given("log-level"),
		OwnState: f.Given("state"), Stateless: !f.HasState(),
	}
}
