package report_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/text"
)

// grammars say what the runners of CI take for a command in a line that a job prints.
var grammars = map[string]*regexp.Regexp{
	// actions/runner, ActionCommand.cs: TryParseV2 trims the start of the line, which
	// ends at a carriage return, too; TryParse looks for "##[" anywhere.
	"GitHub":     regexp.MustCompile(`(?m)(^|\r)[\s\p{Z}\x{85}\x{FEFF}]*::`),
	"GitHub, v1": regexp.MustCompile(`##\[`),
	// microsoft/azure-pipelines-agent, Command.cs, and the formats of its log.
	"Azure Pipelines": regexp.MustCompile(`(?i)##(vso)?\[`),
	// TeamCity's service messages.
	"TeamCity": regexp.MustCompile(`(?i)##teamcity\[`),
	// gitlab-org/gitlab, Gitlab::Regex.build_trace_section_regex, and less than that.
	"GitLab": regexp.MustCompile(`section_(start|end):\d+:[a-zA-Z0-9_.-]+(\[[^\]]*\])?\r\x1b\[0K|\x1b\[0Ksection_`),
	// jenkinsci/jenkins, ConsoleNote.PREAMBLE_STR.
	"Jenkins": regexp.MustCompile(`\x1b\[8mha:`),
}

// commands has one or more for each.
var commands = [...]string{
	"::set-output name=x::y", "  ::error file=a::b", "\r::add-mask::x", "::stop-commands::x", "\u00a0::debug::x", "\u2003::notice::x",
	"##[set-env name=PATH]/tmp", "##[add-path]/tmp", "##[group]x", "###[command]x",
	"##vso[task.setvariable variable=x]y", "a##vso[task.prependpath]/tmp", "##VSO[task.complete result=Succeeded;]",
	"##teamcity[setParameter name='x' value='y']", "x ##teamcity[buildStatus status='SUCCESS']",
	"section_start:1700000000:x\r\x1b[0K", "\x1b[0Ksection_end:1700000000:x[collapsed=true]\r\x1b[0K",
	"\x1b[8mha:////AAAA\x1b[0m",
}

// checkNoCommand fails for what a runner takes for a command.
func checkNoCommand(t failer, out []byte) {
	t.Helper()
	for runner, grammar := range grammars {
		if found := grammar.Find(out); found != nil {
			t.Errorf("the output has a command of %s: %q in\n%s", runner, found, out)
		}
	}
}

// TestGrammars shows that the grammars find each command: else nothing is shown by their
// finding none.
func TestGrammars(t *testing.T) {
	for _, c := range commands {
		found := false
		for _, grammar := range grammars {
			found = found || grammar.MatchString(c)
		}
		if !found {
			t.Errorf("no grammar finds %q", c)
		}
	}
}

// FuzzVisible holds text from outside, wherever it stands in a line, to the grammars of
// the runners.
func FuzzVisible(f *testing.F) {
	for _, c := range commands {
		f.Add(c)
	}
	f.Add(nasty)
	f.Add("#")
	f.Add(":")
	f.Add("###")
	f.Fuzz(func(t *testing.T, s string) {
		shown := text.Visible(s)
		for _, line := range []string{shown, "  " + shown, "key " + shown, "(" + shown + ")", shown + " " + shown, shown + ": " + shown} {
			checkNoCommand(t, []byte(line+"\n"))
		}
		checkPrintable(t, []byte(shown))
		checkLines(t, s)
	})
}

// FuzzOutputs holds every output of a plan whose every text is from outside to them.
func FuzzOutputs(f *testing.F) {
	for _, c := range commands {
		f.Add(c)
	}
	f.Add(nasty)
	f.Add(":")
	f.Fuzz(func(t *testing.T, s string) {
		p := hostileWith(s)
		for _, o := range []report.Options{{}, {Width: 40, ShowValues: true}} {
			checkNoCommand(t, planText(t, p, o))
		}
		checkNoCommand(t, report.Markdown(p, report.MarkdownOptions{Key: s, ShowValues: true}))
		checkNoCommand(t, planJSON(t, p, report.JSONOptions{ToolVersion: s, ShowValues: true}))
		checkNoCommand(t, written(t, func(b *bytes.Buffer) error { return report.GitLab(b, p, nil) }))
	})
}

// checkLines holds what others write through NoCommands to the grammars: a log as text,
// and JSON, which stays what it is. However it is cut, it is the same.
func checkLines(t *testing.T, s string) {
	t.Helper()
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(text.NoCommands(&log), nil)).Warn(s, "key", s)
	checkNoCommand(t, log.Bytes())

	want, err := json.Marshal(map[string]string{s: s, "plain": s})
	if err != nil {
		t.Fatal(err)
	}
	var whole, cut bytes.Buffer
	if n, err := text.NoCommands(&whole).Write(want); n != len(want) || err != nil {
		t.Fatalf("wrote %d of %d bytes: %v", n, len(want), err)
	}
	w := text.NoCommands(&cut)
	for i := range want {
		if _, err := w.Write(want[i : i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(whole.Bytes(), cut.Bytes()) {
		t.Errorf("cut into bytes it is %q, and else %q", &cut, &whole)
	}
	checkNoCommand(t, whole.Bytes())
	var before, after map[string]string
	if json.Unmarshal(want, &before) != nil || json.Unmarshal(whole.Bytes(), &after) != nil || before["plain"] != after["plain"] || len(before) != len(after) {
		t.Errorf("the JSON says something else: %s, not %s", &whole, want)
	}

	var lines bytes.Buffer
	raw := strings.Map(func(r rune) rune { // control characters are not its affair
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' {
			return -1
		}
		return r
	}, s)
	_, _ = text.NoCommands(&lines).Write([]byte(raw))
	checkNoCommand(t, lines.Bytes())
}
