package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/wedatasync/wedatasync/internal/text"
)

// Level is how grave a finding is.
type Level string

// The levels of a Finding.
const (
	LevelOK      Level = "ok"
	LevelWarning Level = "warning" // the daemon runs, and someone should look
	LevelError   Level = "error"   // the daemon does not run, or does not do its work
)

// Finding is what one check has found.
type Finding struct {
	Check   string `json:"check"`
	Level   Level  `json:"level"`
	Message string `json:"message"` // what was found, and what to do
}

// Report is what an examination came to: at least one finding a check, in their order.
type Report struct {
	Version  string
	Findings []Finding
}

// Count returns how many findings have the level.
func (r *Report) Count(l Level) int {
	n := 0
	for i := range r.Findings {
		if r.Findings[i].Level == l {
			n++
		}
	}
	return n
}

// Text writes the report for people, a line a finding.
func (r *Report) Text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Findings {
		fmt.Fprintf(t, "%s\t%s\t%s\n", f.Level, f.Check, text.Visible(f.Message))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s, %s.\n", counted(r.Count(LevelError), "error"), counted(r.Count(LevelWarning), "warning"))
	return err
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// JSON writes the report for machines.
func (r *Report) JSON(w io.Writer) error {
	encoder := json.NewEncoder(text.NoCommands(w))
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		FormatVersion string    `json:"format_version"`
		ToolVersion   string    `json:"tool_version"`
		Errors        int       `json:"errors"`
		Warnings      int       `json:"warnings"`
		Findings      []Finding `json:"findings"`
	}{"1.0", r.Version, r.Count(LevelError), r.Count(LevelWarning), r.Findings})
}
