package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestTextFitsTheTerminal shows that ordinary lines stay within the width.
func TestTextFitsTheTerminal(t *testing.T) {
	for _, s := range append(smallSituations(), situation{"large", large(300)}) {
		switch s.name {
		case "hostile", "long-names", "many-fields":
			continue // words that are too long keep their line
		}
		for _, width := range []int{80, 100, 160} {
			for line := range strings.Lines(string(planText(t, s.plan, report.Options{Width: width}))) {
				line = strings.TrimSuffix(line, "\n")
				if strings.Contains(line, "wedatasync approve ") || strings.HasPrefix(line, "  tasks/") {
					continue // to be copied or followed, so on one line
				}
				if n := len([]rune(line)); n > width {
					t.Errorf("%s: %d columns, want at most %d: %s", s.name, n, width, line)
				}
			}
		}
	}
}

// TestTextHasOneLineAChange counts the lines that begin with a marker.
func TestTextHasOneLineAChange(t *testing.T) {
	p := large(1_000)
	lines := 0
	for line := range strings.Lines(string(planText(t, p, report.Options{}))) {
		for _, marker := range []string{"  -/+ ", "  +   ", "  ~   ", "  x   ", "  ?   ", "  #   ", "  =   "} {
			if strings.HasPrefix(line, marker) {
				lines++
			}
		}
	}
	if lines != len(p.Changes) {
		t.Errorf("%d lines for %d changes", lines, len(p.Changes))
	}
}

// TestWorstFirst shows the order of impacts in text and markdown.
func TestWorstFirst(t *testing.T) {
	for _, out := range []string{
		string(planText(t, everyImpact(), report.Options{})),
		string(report.Markdown(everyImpact(), report.MarkdownOptions{})),
	} {
		at := -1
		for _, task := range []string{"orders_cdc", "refunds", "payments", "users_cdc", "clicks", "shipments", "invoices"} {
			next := strings.LastIndex(out[:strings.LastIndex(out, "invoices")+8], task)
			if next < at {
				t.Errorf("%s comes too early:\n%s", task, out)
			}
			at = next
		}
	}
}

// TestEstimate shows how the rate becomes a time.
func TestEstimate(t *testing.T) {
	for _, tt := range []struct {
		calls int
		rate  float64
		want  string
	}{
		{1, 0, "1 call, less than a second"},
		{19, 0, "19 calls, less than a second"},
		{21, 0, "21 calls, about 2 s"},
		{100, 10, "100 calls, about 10 s"},
		{2_400, 20, "2400 calls, about 2 min"},
		{2_401, 20, "2401 calls, about 3 min"},
		{20, 0.001, "20 calls, about 6 h"},
		{3, -1, "3 calls, less than a second"},
		{3, 1e-300, "3 calls, about 1281024 h"},
	} {
		out := string(planText(t, discards(tt.calls), report.Options{Rate: tt.rate}))
		if want := ": " + tt.want + "; 207 unchanged.\n"; !strings.HasSuffix(out, want) {
			t.Errorf("%d calls at %g ends in %q, want %q", tt.calls, tt.rate, out[strings.LastIndex(out, "Plan "):], want)
		}
	}
}

// TestErrorsOfTheWriter come back from every renderer.
func TestErrorsOfTheWriter(t *testing.T) {
	full := errors.New("disk full")
	p, v, f := everyImpact(), report.Validation{Problems: find("degraded").Problems}, report.Failure{Err: full}
	for name, err := range map[string]error{
		"text":                report.Text(failing{full}, p, report.Options{}),
		"json":                report.JSON(failing{full}, p, report.JSONOptions{}),
		"github":              report.GitHub(failing{full}, p, nil),
		"gitlab":              report.GitLab(failing{full}, p, nil),
		"result":              report.ResultText(failing{full}, &reconcile.Result{Plan: p, Left: p}, report.Options{}),
		"text of specs":       v.Text(failing{full}, report.Options{}),
		"json of specs":       v.JSON(failing{full}, report.JSONOptions{}),
		"github of specs":     v.GitHub(failing{full}, nil),
		"gitlab of specs":     v.GitLab(failing{full}, nil),
		"text of a failure":   f.Text(failing{full}, report.Options{}),
		"json of a failure":   f.JSON(failing{full}, report.JSONOptions{}),
		"github of a failure": f.GitHub(failing{full}),
	} {
		if !errors.Is(err, full) {
			t.Errorf("%s: error %v, want %v", name, err, full)
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestPlanOfDiff renders what reconcile really makes: a plan that guards hold, in
// which one task is held for itself.
func TestPlanOfDiff(t *testing.T) {
	set := spec.NewSet()
	set.Put(spec.Parse("tasks.yaml", []byte(`apiVersion: wedatasync/v1
defaults: {projectId: "1", taskType: realtime}
commits:
  - {taskId: a, commitType: restart-discard-state, instanceVersion: 2, discardState: 2}
  - {taskId: b, commitType: resume, instanceVersion: 2, extConfig: {password: hunter2}}
  - {taskId: c, commitType: start, instanceVersion: 1, suspend: true}
`)))
	records := state.NewRecords()
	for _, id := range []string{"a", "b"} {
		key := spec.Key{ProjectID: "1", TaskID: id}
		records.Put(&state.Record{Key: key, Status: state.StatusApplied, Applied: &state.Applied{CommitType: spec.Resume, TaskType: spec.Realtime, InstanceVersion: 1}})
	}
	control := &state.Control{}
	p := plan.Diff(plan.Input{Specs: set, Records: records, Control: control}, noon)
	guards := plan.Guards{MaxChanges: 1}
	p = guards.Check(p, plan.Facts{Control: control}, noon)
	out := string(planText(t, p, report.Options{}))
	for _, want := range []string{
		"Nothing will be sent: a guard holds 2 commits; 1 more is held.\n",
		"  wedatasync approve " + p.Hash + "\n",
		"\n  -/+ a  1 -> 2  new version: commitType, extConfig  tasks.yaml:4\n",
		"\n  x   c  - -> 1  starts, first commit                tasks.yaml:6\n      suspended by the spec at tasks.yaml:6",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("text has no %q:\n%s", want, out)
		}
	}
	checkBody(t, report.Markdown(p, report.MarkdownOptions{}), 0)
	if doc := planJSON(t, p, report.JSONOptions{}); bytes.Contains(doc, []byte("hunter2")) {
		t.Errorf("JSON has a value of extConfig:\n%s", doc)
	}
}

// TestMarker shows that the comments of two keys are never mistaken for each other.
func TestMarker(t *testing.T) {
	seen := map[string]string{}
	for _, key := range []string{"", "prod", "prod ", "prod+", "prod%20", "-->", "a--b", "a-%2Db", "-", "--", "---", strings.Repeat("k", 65), strings.Repeat("k", 66)} {
		m := report.Marker(key)
		if other, ok := seen[m]; ok {
			t.Errorf("%q and %q have the marker %s", key, other, m)
		}
		seen[m] = key
		if inner := strings.TrimSuffix(strings.TrimPrefix(m, "<!--"), "-->"); strings.Contains(inner, "--") || strings.Contains(m, "\n") || len(m) > 120 {
			t.Errorf("%q has the marker %s", key, m)
		}
	}
}

// TestLinks shows where names lead, and that none leads out of the repository.
func TestLinks(t *testing.T) {
	for _, tt := range []struct{ base, file, want string }{
		{linkBase, "tasks/a.yaml", "<br>[`tasks/a.yaml:4`](" + linkBase + "/tasks/a.yaml#L4)"},
		{linkBase + "/", "a b(c)|&.yaml", "<br>[`a b(c)\\u007c&.yaml:4`](" + linkBase + "/a%20b%28c%29%7C%26.yaml#L4)"},
		{linkBase, "订单.yaml", "<br>[`订单.yaml:4`](" + linkBase + "/%E8%AE%A2%E5%8D%95.yaml#L4)"},
		{linkBase, "../../evil/a.yaml", "<br>`../../evil/a.yaml:4`"},
		{linkBase, "/a.yaml", "<br>`/a.yaml:4`"},
		{linkBase, "", ""},
		{"", "a.yaml", "<br>`a.yaml:4`"},
		{"javascript:alert(1)", "a.yaml", "<br>`a.yaml:4`"},
		{"://", "a.yaml", "<br>`a.yaml:4`"},
	} {
		c := first("a", spec.Start, 1)
		c.Want.Pos.File = tt.file
		body := string(report.Markdown(planOf(c), report.MarkdownOptions{LinkBase: tt.base}))
		if want := fmt.Sprintf("| `a`%s | ", tt.want); !strings.Contains(body, want) {
			t.Errorf("base %q, file %q: no %q in\n%s", tt.base, tt.file, want, body)
		}
	}
}
