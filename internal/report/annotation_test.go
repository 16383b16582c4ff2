package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// TestGitHubReadsCommandsBack turns commands into annotations as GitHub's runner
// does, and finds what was meant.
func TestGitHubReadsCommandsBack(t *testing.T) {
	p := planOf()
	p.Problems = spec.Problems{
		problem("a,b::c%0A=d.yaml", 3, 5, spec.SeverityError, "code", "100 %, a::b, %0A; do: this"),
		problem("b.yaml", 0, 0, spec.SeverityWarning, "code", "somewhere in the file"),
	}
	out := string(written(t, func(b *bytes.Buffer) error { return report.GitHub(b, p, nil) }))
	var got []map[string]string
	for line := range strings.Lines(out) {
		got = append(got, runnerReads(t, strings.TrimSuffix(line, "\n")))
	}
	want := []map[string]string{
		{"": "error", "file": "a,b::c%0A=d.yaml", "line": "3", "col": "5", "title": "Invalid spec", "message": "100 %, a::b, %0A; do: this"},
		{"": "warning", "file": "b.yaml", "title": "Doubtful spec", "message": "somewhere in the file"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
}

// runnerReads parses one command; its name is under "".
func runnerReads(t *testing.T, line string) map[string]string {
	t.Helper()
	rest, ok := strings.CutPrefix(line, "::")
	head, message, ok2 := strings.Cut(rest, "::")
	if !ok || !ok2 {
		t.Fatalf("not a command: %s", line)
	}
	unescape := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%").Replace
	name, properties, _ := strings.Cut(head, " ")
	a := map[string]string{"": name, "message": unescape(message)}
	for property := range strings.SplitSeq(properties, ",") {
		key, value, _ := strings.Cut(property, "=")
		a[key] = unescape(value)
	}
	return a
}

// TestGitHubIsBounded shows that a step has at most the ten annotations of a
// severity that GitHub shows, and that the last one counts the others.
func TestGitHubIsBounded(t *testing.T) {
	for _, n := range []int{9, 10, 11, 10_000} {
		p := discards(n)
		out := string(written(t, func(b *bytes.Buffer) error { return report.GitHub(b, p, nil) }))
		if got, want := strings.Count(out, "::warning "), min(n, 10); got != want {
			t.Errorf("%d discards: %d warnings, want %d", n, got, want)
		}
		if more := fmt.Sprintf("%d more warnings", n-9); (n > 10) != strings.Contains(out, more) {
			t.Errorf("%d discards, %q:\n%s", n, more, out)
		}
	}
}

type entry struct {
	Description string
	CheckName   string `json:"check_name"`
	Fingerprint string
	Severity    string
	Location    struct {
		Path  string
		Lines struct{ Begin int }
	}
}

func quality(t *testing.T, p *plan.Plan) []entry {
	t.Helper()
	var entries []entry
	if err := json.Unmarshal(written(t, func(b *bytes.Buffer) error { return report.GitLab(b, p, nil) }), &entries); err != nil {
		t.Fatal(err)
	}
	return entries
}

// TestGitLabFingerprints shows that an entry keeps its fingerprint when lines
// move and times pass, and that no two entries share one.
func TestGitLabFingerprints(t *testing.T) {
	before, moved := everything(find("degraded").Problems), everything(find("degraded").Problems)
	for i := range moved.Changes {
		c := &moved.Changes[i]
		c.Detail += ", and later"
		if c.Want != nil {
			c.Want.Pos.Line += 10
		}
	}
	moved.Problems = append(spec.Problems(nil), moved.Problems...)
	for i := range moved.Problems {
		moved.Problems[i].Line += 10
	}
	a, b := quality(t, before), quality(t, moved)
	for i := range a {
		if a[i].Fingerprint != b[i].Fingerprint {
			t.Errorf("%q has fingerprint %s, and %s when its line moves", a[i].Description, a[i].Fingerprint, b[i].Fingerprint)
		}
	}
	before.Problems = append(before.Problems, before.Problems...)
	seen := map[string]bool{}
	for _, e := range quality(t, before) {
		if seen[e.Fingerprint] {
			t.Errorf("%q shares its fingerprint", e.Description)
		}
		seen[e.Fingerprint] = true
	}
}

// TestGitLabIsBounded shows that a report stays of a size that GitLab takes.
func TestGitLabIsBounded(t *testing.T) {
	if n := len(quality(t, discards(6_000))); n != 5_000 {
		t.Errorf("%d entries, want 5000", n)
	}
}
