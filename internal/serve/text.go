package serve

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// taskCommand is what a person types to say verb of the task.
func taskCommand(verb string, key spec.Key) string {
	return "wedatasync " + verb + " " + key.ShellWord()
}

// resolveCommands are the two words that end an unknown outcome.
func resolveCommands(key spec.Key) []string {
	return []string{taskCommand("resolve", key) + " applied", taskCommand("resolve", key) + " not-applied"}
}

func approveCommand(p *reconcile.Plan) string { return "wedatasync approve " + p.Hash }

// pauseText says what is paused, why and until when.
func pauseText(p state.Pause) string {
	what := "all sends have stopped"
	if p.ProjectID != "" {
		what = "sends to project " + report.Visible(p.ProjectID) + " have stopped"
	}
	return fmt.Sprintf("%s: %s: %s", what, p.Code, report.Visible(p.Message))
}

// commitText says what a change sends.
func commitText(c *reconcile.Change) string {
	if c.Want == nil {
		return ""
	}
	return appliedText(c.Want.CommitType, c.Want.InstanceVersion)
}

func appliedText(t spec.CommitType, version int64) string {
	if version == 0 {
		return t.String()
	}
	return t.String() + ", version " + strconv.FormatInt(version, 10)
}

// errorText is an error of ours on one line. Its parts may come from outside.
func errorText(err error) string {
	return report.Visible(strings.ReplaceAll(state.Clip(err.Error()), "\n", "; "))
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + one + "s"
}

// grouped writes a number with its thousands apart.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// span writes a length of time in its largest unit, or two.
func span(d time.Duration) string {
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

// moment is a time as the page shows it.
type moment struct {
	ISO  string // for machines; empty for no time
	Full string // in UTC, to the second
	Text string // how far from now
}

func momentOf(t, now time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	m := moment{ISO: t.UTC().Format(time.RFC3339), Full: t.UTC().Format("2006-01-02 15:04:05 UTC")}
	switch d := now.Sub(t); {
	case d > -2*time.Second && d < 2*time.Second:
		m.Text = "now"
	case d < 0:
		m.Text = "in " + span(d)
	default:
		m.Text = span(d) + " ago"
	}
	return m
}

// short cuts a revision or a plan's hash to what people read.
func short(id string) string {
	if _, digits, ok := strings.Cut(id, ":"); ok {
		id = digits
	}
	return id[:min(len(id), 12)]
}
