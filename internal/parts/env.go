package parts

import (
	"io"
	"log/slog"
	"os"

	"github.com/wedatasync/wedatasync/internal/config"
)

// Env is what the program gets from outside in addition to its settings.
type Env struct {
	Getenv  func(string) string
	Log     io.Writer
	Version string
	// Quiet keeps the log to warnings and errors: a person watches something else.
	Quiet bool
	// Daemon means that the program runs until it is told to end, and so has a server.
	Daemon bool
	// OwnState means that a person chose the state's file. A simulated endpoint
	// forgets its tasks when it ends, and so does its state, unless one was chosen.
	OwnState bool
	// Stateless means that there is no state to compare with, whatever is at its path.
	Stateless bool

	// Reload reads the settings again, as they were at the start. Nil: they stay.
	Reload func() (config.Settings, error)
	// Config is the file that they are read from. It is watched, and need not be there.
	// Empty: there is none.
	Config string
	// Hangup asks for a reload of settings and credentials. It may be nil.
	Hangup <-chan os.Signal
}

// Logger makes the log of the settings.
func (e *Env) Logger(s *config.Settings) (*slog.Logger, error) {
	l, err := NewLogging(e, s)
	if err != nil {
		return nil, err
	}
	return l.Logger(), nil
}
