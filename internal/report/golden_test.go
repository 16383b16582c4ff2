package report_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

var update = flag.Bool("update", false, "write the golden files")

const linkBase = "https://git.example/data/tasks/blob/9f1c2e7"

// output is one way to show something, as a file of a golden archive.
type output struct {
	file string
	data []byte
}

// TestPlan shows every situation in every output.
func TestPlan(t *testing.T) {
	for _, s := range situations() {
		t.Run(s.name, func(t *testing.T) {
			outputs := []output{
				{"plan.txt", planText(t, s.plan, report.Options{})},
				{"plan-100.txt", planText(t, s.plan, report.Options{Width: 100})},
				{"plan.md", report.Markdown(s.plan, report.MarkdownOptions{Key: "prod", LinkBase: linkBase})},
				{"plan.json", planJSON(t, s.plan, report.JSONOptions{ToolVersion: "1.2.3"})},
				{"github.txt", written(t, func(b *bytes.Buffer) error { return report.GitHub(b, s.plan, nil) })},
				{"gitlab.json", written(t, func(b *bytes.Buffer) error { return report.GitLab(b, s.plan, nil) })},
			}
			switch s.name {
			case "everything":
				outputs = append(outputs, output{"colour.txt", planText(t, s.plan, report.Options{Color: true})})
			case "ext-config-by-name", "ext-config-as-a-whole", "many-fields":
				outputs = append(outputs,
					output{"values.txt", planText(t, s.plan, report.Options{ShowValues: true})},
					output{"values.md", report.Markdown(s.plan, report.MarkdownOptions{ShowValues: true})},
					output{"values.json", planJSON(t, s.plan, report.JSONOptions{ShowValues: true})})
			}
			golden(t, "plan-"+s.name, outputs)
		})
	}
}

// TestFailure shows plans that could not be made.
func TestFailure(t *testing.T) {
	for name, err := range map[string]error{
		"one-line": fmt.Errorf("poll the source: %w", errors.New("connection refused")),
		"joined":   errors.Join(errors.New("open the state: disk full"), errors.New("close the state: bad file descriptor")),
		"hostile":  errors.New(nasty),
		"long":     errors.New(strings.Repeat("x", 100_000)),
		"many":     errors.New(strings.Repeat("line\n", 1_000)),
	} {
		t.Run(name, func(t *testing.T) {
			f := report.Failure{Err: err}
			golden(t, "failure-"+name, []output{
				{"failure.txt", written(t, func(b *bytes.Buffer) error { return f.Text(b, report.Options{Width: 100}) })},
				{"failure.md", f.Markdown(report.MarkdownOptions{Key: "prod"})},
				{"failure.json", written(t, func(b *bytes.Buffer) error { return f.JSON(b, report.JSONOptions{ToolVersion: "1.2.3"}) })},
				{"github.txt", written(t, func(b *bytes.Buffer) error { return f.GitHub(b) })},
			})
		})
	}
}

// TestValidation shows what a check of the specs finds.
func TestValidation(t *testing.T) {
	for name, v := range map[string]report.Validation{
		"valid":    {Files: 12, Specs: 207},
		"one":      {Files: 1, Specs: 1},
		"empty":    {},
		"warnings": {Files: 12, Specs: 207, Problems: find("warnings").Problems},
		"invalid":  {Files: 12, Specs: 205, Problems: find("degraded").Problems},
		"hostile":  {Files: 12, Specs: 205, Problems: hostile().Problems},
		"many":     {Files: 300, Problems: large(300).Problems},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, "validation-"+name, []output{
				{"validation.txt", written(t, func(b *bytes.Buffer) error { return v.Text(b, report.Options{}) })},
				{"validation.md", v.Markdown(report.MarkdownOptions{})},
				{"validation.json", written(t, func(b *bytes.Buffer) error { return v.JSON(b, report.JSONOptions{ToolVersion: "1.2.3"}) })},
				{"github.txt", written(t, func(b *bytes.Buffer) error { return v.GitHub(b, nil) })},
				{"gitlab.json", written(t, func(b *bytes.Buffer) error { return v.GitLab(b, nil) })},
			})
		})
	}
}

// TestResult shows what passes came to.
func TestResult(t *testing.T) {
	for name, r := range map[string]*reconcile.Result{
		"all-applied": {Plan: everyImpact(), Left: planOf(), Applied: 7},
		"nothing":     {Plan: planOf(), Left: planOf()},
		"forgot":      {Plan: find("forget"), Left: planOf(), Forgotten: 2},
		"returned":    {Plan: find("return"), Left: planOf(), Forgotten: 1, Returned: 2},
		"some-left":   {Plan: everyImpact(), Left: find("hold-several"), Applied: 3, Forgotten: 1},
		"guard":       {Plan: find("guard-max-changes"), Left: find("guard-max-changes")},
		"cut-short":   {Plan: everyImpact(), Left: planOf(first("clicks", spec.Start, 1)), Applied: 6, Superseded: true},
		"degraded":    {Plan: find("degraded"), Left: edit(planOf(), func(p *plan.Plan) { p.Problems = find("degraded").Problems }), Applied: 1},
		"paused": {Plan: everyImpact(), Left: find("hold-paused"), Applied: 6, Pauses: []state.Pause{
			{ProjectID: project, Code: "UnauthorizedOperation", Message: "no permission"},
			{Code: "AuthFailure.SignatureExpire", Message: nasty},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, "result-"+name, []output{
				{"result.txt", written(t, func(b *bytes.Buffer) error { return report.ResultText(b, r, report.Options{Width: 120}) })},
			})
		})
	}
}

func planText(t *testing.T, p *plan.Plan, o report.Options) []byte {
	return written(t, func(b *bytes.Buffer) error { return report.Text(b, p, o) })
}

func planJSON(t *testing.T, p *plan.Plan, o report.JSONOptions) []byte {
	return written(t, func(b *bytes.Buffer) error { return report.JSON(b, p, o) })
}

func written(t *testing.T, write func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// golden compares the outputs with the archive of that name.
func golden(t *testing.T, name string, outputs []output) {
	t.Helper()
	var a txtar.Archive
	for _, o := range outputs {
		a.Files = append(a.Files, txtar.File{Name: o.file, Data: abridged(o.data)})
	}
	got := txtar.Format(&a)
	file := filepath.Join("testdata", name+".txtar")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (run with -update if it should be so; -want +got):\n%s", file, diff)
	}
}

// abridged keeps the ends of a long output, and a digest of the whole.
func abridged(data []byte) []byte {
	const ends = 4_000
	if len(data) <= 20_000 {
		return data
	}
	head, tail := data[:bytes.LastIndexByte(data[:ends], '\n')+1], data[len(data)-ends:]
	if i := bytes.IndexByte(tail, '\n'); i >= 0 {
		tail = tail[i+1:]
	}
	return fmt.Appendf(nil, "%s[... %d bytes in all, SHA-256 %x ...]\n%s", head, len(data), sha256.Sum256(data), tail)
}
