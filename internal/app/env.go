package app

import (
	"io"
	"log/slog"
)

// Env is what the program gets from outside besides its settings.
type Env struct {
	Getenv  func(string) string
	Log     io.Writer
	Version string
	// Quiet keeps the log to warnings and errors: a person watches something else.
	Quiet bool
	// Daemon says that the program will run until it is told to end, and so has a
	// window.
	Daemon bool
	// OwnState says that a person chose the state's file. A simulated endpoint
	// forgets its tasks when it ends, and so does its state, unless one was chosen.
	OwnState bool
}

// logger makes the log as the settings say.
func (e *Env) logger(s *Settings) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		return nil, &SettingError{Name: "log-level", Err: err}
	}
	if e.Quiet {
		level = max(level, slog.LevelWarn)
	}
	options := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(e.Log, options)), nil
	}
	return slog.New(slog.NewTextHandler(e.Log, options)), nil
}
