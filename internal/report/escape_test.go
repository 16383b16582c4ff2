package report_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// hostileText draws text from the pieces that break reports.
func hostileText() *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.SampledFrom(strings.Fields(nasty)),
		rapid.SampledFrom([]string{"\n", "\r\n", "\x1b[2J", "\u202e", "\u2028", "\u0085", "\t", " ", "`", "|", "\\", "\xff", "::", "##", "#", ":", "[", "😀", "\u3164"}),
		rapid.SampledFrom(commands[:]),
		rapid.String(),
	)
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(t, "pieces"), "")
	})
}

// TestTextFromOutsideIsInert holds for every output: text from others adds no
// line, no control character, no mark that turns the writing, and no command for
// the runner of a CI job.
func TestTextFromOutsideIsInert(t *testing.T) {
	lines := func(b []byte) int { return bytes.Count(b, []byte("\n")) }
	plain := hostileWith("plain")
	want := lines(planText(t, plain, report.Options{}))
	rapid.Check(t, func(rt *rapid.T) {
		p := hostileWith("x" + hostileText().Draw(rt, "text"))
		out := planText(t, p, report.Options{})
		if got := lines(out); got != want {
			rt.Errorf("text has %d lines, want %d:\n%s", got, want, out)
		}
		for _, out := range [][]byte{
			out,
			planText(t, p, report.Options{Width: 60, ShowValues: true}),
			planJSON(t, p, report.JSONOptions{ToolVersion: p.Approved, ShowValues: true}),
			report.Markdown(p, report.MarkdownOptions{Key: p.Approved, ShowValues: true}),
			written(t, func(b *bytes.Buffer) error { return report.GitLab(b, p, nil) }),
		} {
			checkPrintable(rt, out)
			checkNoCommand(rt, out)
		}
		checkPrintable(rt, written(t, func(b *bytes.Buffer) error { return report.GitHub(b, p, nil) }))
	})
}

// TestColourIsOurs shows that the only escape sequences are those of the colours.
func TestColourIsOurs(t *testing.T) {
	out := planText(t, hostile(), report.Options{Color: true, ShowValues: true})
	for _, code := range []string{"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m", "\x1b[1;31m", "\x1b[1;32m", "\x1b[1;33m", "\x1b[1;36m", "\x1b[1;2m"} {
		out = bytes.ReplaceAll(out, []byte(code), nil)
	}
	checkPrintable(t, out)
	if plain := planText(t, hostile(), report.Options{ShowValues: true}); !bytes.Equal(out, plain) {
		t.Error("text with colours says something else than text without")
	}
}

type failer interface {
	Helper()
	Errorf(format string, args ...any)
}

// checkPrintable fails for what does not print, but for the ends of lines.
func checkPrintable(t failer, out []byte) {
	t.Helper()
	for _, r := range string(out) {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.In(r, unicode.Zl, unicode.Zp)) {
			t.Errorf("output has %U:\n%q", r, out)
			return
		}
	}
	if !utf8.Valid(out) {
		t.Errorf("output is not valid UTF-8:\n%q", out)
	}
}

// TestSecretsAreMasked shows that no output has a value of extConfig unless asked.
func TestSecretsAreMasked(t *testing.T) {
	for _, name := range []string{"ext-config-by-name", "ext-config-as-a-whole"} {
		p := find(name)
		for _, values := range []bool{false, true} {
			outs := map[string][]byte{
				"text":     planText(t, p, report.Options{ShowValues: values}),
				"json":     planJSON(t, p, report.JSONOptions{ShowValues: values}),
				"markdown": report.Markdown(p, report.MarkdownOptions{ShowValues: values}),
			}
			for output, out := range outs {
				if got := bytes.Contains(out, []byte("correct horse")); got != values {
					t.Errorf("%s, %s: the value is shown: %v, want %v\n%s", name, output, got, values, out)
				}
			}
		}
		for _, write := range []func(*bytes.Buffer, *plan.Plan) error{
			func(b *bytes.Buffer, p *plan.Plan) error { return report.GitHub(b, p, nil) },
			func(b *bytes.Buffer, p *plan.Plan) error { return report.GitLab(b, p, nil) },
		} {
			if out := written(t, func(b *bytes.Buffer) error { return write(b, p) }); bytes.Contains(out, []byte("correct horse")) {
				t.Errorf("%s: an annotation shows a value:\n%s", name, out)
			}
		}
	}
}
