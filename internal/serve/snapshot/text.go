package snapshot

import (
	"fmt"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/state"
)

// ErrorText is an error of ours on one line. Its parts may come from outside.
func ErrorText(err error) string {
	return text.Visible(strings.ReplaceAll(state.Clip(err.Error()), "\n", "; "))
}

// Span writes a length of time in its largest unit, or two.
func Span(d time.Duration) string {
	switch d = d.Abs(); {
	case d < time.Second:
		return "1 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 10*time.Hour && d%time.Hour >= time.Minute:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	default:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
}

// Ago writes how far a time is from now.
func Ago(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	switch d := now.Sub(t); {
	case d > -2*time.Second && d < 2*time.Second:
		return "now"
	case d < 0:
		return "in " + Span(d)
	default:
		return Span(d) + " ago"
	}
}

// Short cuts a revision or a plan's hash to what people read.
func Short(id string) string {
	if _, digits, ok := strings.Cut(id, ":"); ok {
		id = digits
	}
	return id[:min(len(id), 12)]
}
