package notify_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/spec"
)

// TestInvalidSpecs: an error in a spec is told once, over all revisions that have it, also
// where lines move and other errors are corrected; another one is news, and so is one that
// was corrected and is back.
func TestInvalidSpecs(t *testing.T) {
	bad := func(file string, line int, message string) spec.Problem {
		return spec.Problem{Pos: spec.Pos{File: file, Line: line, Column: 3}, Severity: spec.SeverityError, Code: "bad", Message: message}
	}
	doubtful := bad("a.yaml", 1, "doubtful")
	doubtful.Severity = spec.SeverityWarning
	revisions := []struct {
		what     string
		problems spec.Problems
		told     bool
	}{
		{"an error", spec.Problems{bad("a.yaml", 3, "no taskId")}, true},
		{"another revision", spec.Problems{bad("a.yaml", 3, "no taskId")}, false},
		{"lines above it", spec.Problems{bad("a.yaml", 30, "no taskId")}, false},
		{"a warning", spec.Problems{doubtful, bad("a.yaml", 30, "no taskId")}, false},
		{"another error", spec.Problems{bad("a.yaml", 30, "no taskId"), bad("b.yaml", 4, "also in c.yaml:7:3")}, true},
		{"the places of both move", spec.Problems{bad("a.yaml", 31, "no taskId"), bad("b.yaml", 5, "also in c.yaml:9:3")}, false},
		{"the first is corrected", spec.Problems{bad("b.yaml", 5, "also in c.yaml:9:3")}, false},
		{"the same error twice", spec.Problems{bad("b.yaml", 5, "also in c.yaml:9:3"), bad("b.yaml", 8, "also in c.yaml:12:3")}, true},
		{"once again", spec.Problems{bad("b.yaml", 8, "also in c.yaml:12:3")}, false},
		{"all are corrected", nil, false},
		{"one is back", spec.Problems{bad("b.yaml", 5, "also in c.yaml:9:3")}, true},
	}
	synctest.Test(t, func(t *testing.T) {
		f := &fakeChat{kind: notify.WeCom}
		n := f.start(t, func(s *notify.Settings) {
			s.Channels[0].Topics = singly
			s.Channels[0].Template = "{{.Topic}} {{.Count}}"
		})
		told := 0
		for _, rev := range revisions {
			r := passed()
			r.Left.Source.Revision, r.Left.Problems = rev.what, rev.problems
			n.Passed(r)
			pass(time.Hour)
			if got := len(f.lines()) > told; got != rev.told {
				t.Errorf("%s: told %v, want %v: %q", rev.what, got, rev.told, f.lines())
			}
			told = len(f.lines())
		}
		if diff := cmp.Diff([]string{"specs.invalid 1", "specs.invalid 2", "specs.invalid 2", "specs.invalid 1"}, f.lines()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}
