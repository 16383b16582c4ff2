package parts

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/wedatasync/wedatasync/internal/config"
)

// Logging is how the log is written. Both its level and its format can change while
// loggers that were made of it are in use.
type Logging struct {
	quiet bool
	level slog.LevelVar
	json  atomic.Bool
	text  slog.Handler
	lines slog.Handler // of JSON
}

// NewLogging makes the log of the settings.
func NewLogging(e *Env, s *config.Settings) (*Logging, error) {
	l := &Logging{quiet: e.Quiet}
	w := &lockedWriter{w: e.Log}
	options := &slog.HandlerOptions{Level: &l.level}
	l.text, l.lines = slog.NewTextHandler(w, options), slog.NewJSONHandler(w, options)
	swap, err := l.Reload(s)
	if err != nil {
		return nil, err
	}
	swap()
	return l, nil
}

// Reload checks other settings, and returns what makes the log follow them.
func (l *Logging) Reload(s *config.Settings) (swap func(), err error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		return nil, &config.SettingError{Name: "log-level", Err: errors.New("it is not one of debug, info, warn and error")}
	}
	if l.quiet {
		level = max(level, slog.LevelWarn)
	}
	return func() {
		l.level.Set(level)
		l.json.Store(s.LogFormat == "json")
	}, nil
}

// Logger returns a logger that follows.
func (l *Logging) Logger() *slog.Logger { return slog.New(&logHandler{l, l.text, l.lines}) }

// logHandler writes each record in the format of the moment.
type logHandler struct {
	logging     *Logging
	text, lines slog.Handler
}

// Enabled reports whether records of the level are written.
func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.logging.level.Level()
}

// Handle writes a record.
func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	if h.logging.json.Load() {
		return h.lines.Handle(ctx, r)
	}
	return h.text.Handle(ctx, r)
}

// WithAttrs returns a handler that adds the attributes.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{h.logging, h.text.WithAttrs(attrs), h.lines.WithAttrs(attrs)}
}

// WithGroup returns a handler that opens the group.
func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{h.logging, h.text.WithGroup(name), h.lines.WithGroup(name)}
}

// lockedWriter keeps the lines of two handlers apart, each of which has a lock of its
// own.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write writes a line.
func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
