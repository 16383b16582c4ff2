package plan

import (
	"fmt"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Stamp writes a time as people and machines both read it, in UTC to the second.
func Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func contestedDetail(undo *state.Drift, why string) string { return why + ": " + undoDetail(undo) }

// undoDetail says what was changed, and who did it.
func undoDetail(d *state.Drift) string {
	if d.Operator == "" {
		return Differs(d)
	}
	return Differs(d) + ", by " + d.Operator
}

func suspendedDetail(what string, s *state.Suspension) string {
	until := "until unsuspended"
	if !s.Until.IsZero() {
		until = "until " + Stamp(s.Until)
	}
	return fmt.Sprintf("%s was suspended by %s %s: %s", what, s.Actor, until, s.Reason)
}

// notSeenLive says what is live in place of an accepted commit.
func notSeenLive(live *state.Live) string {
	switch {
	case live.Missing:
		return "WeData knows no such task any more"
	case live.InstanceVersion != 0:
		return fmt.Sprintf("WeData has the task at version %d, %s", live.InstanceVersion, live.Status)
	default:
		return "WeData shows no newer operation of the task"
	}
}

func operatedBy(live *state.Live) string {
	if live.Operator == "" {
		return ""
	}
	return " (operated last by " + live.Operator + ")"
}

// numberOf writes how many there are.
func numberOf(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Short cuts a revision to what people read.
func Short(revision string) string { return revision[:min(len(revision), 12)] }

// EndOf says where a commit brings a task.
func EndOf(t spec.CommitType) string {
	if t.Runs() {
		return "running"
	}
	return "submitted"
}

// Differs says what differs between applied and live.
func Differs(d *state.Drift) string {
	parts := []string{string(d.Kind)}
	for _, f := range d.Fields {
		parts = append(parts, fmt.Sprintf("%s %s -> %s", f.Name, f.Applied, f.Live))
	}
	if d.OperatedAt != "" {
		parts = append(parts, state.WeDataTime(d.OperatedAt))
	}
	return strings.Join(parts, ", ")
}

func until(at time.Time) string {
	if at.IsZero() {
		return "until the configuration changes"
	}
	return "until " + Stamp(at)
}
