// Package annotation writes remarks beside the lines of a change: as the workflow commands
// of GitHub, which Gitea and Forgejo read, too, and as the Code Quality report of GitLab.
// What a remark says is decided elsewhere.
package annotation

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/report/jsondoc"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/spec"
)

// Severity is how loud a remark is.
type Severity string

// The severities, in GitHub's words.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Notice  Severity = "notice"
)

// Annotation is one remark.
type Annotation struct {
	Severity Severity
	Code     string // stable, such as "duplicate-task"
	Title    string
	Message  string
	Pos      spec.Pos // zero if the remark is about no file
	Subject  string   // what identifies it beside code and file: no line, no time
	Grave    bool     // a warning of what is lost
}

// maxPerSeverity is how many annotations of a severity GitHub shows for a step.
const maxPerSeverity = 10

// GitHub writes remarks as workflow commands. GitHub shows ten of a severity; when there
// are more, the last one says how many. An error is w's.
func GitHub(w io.Writer, as []Annotation) error {
	b := bufio.NewWriter(w)
	for _, s := range []Severity{Error, Warning, Notice} {
		var of []Annotation
		for _, a := range as {
			if a.Severity == s {
				of = append(of, a)
			}
		}
		for i, a := range of {
			if i == maxPerSeverity-1 && len(of) > maxPerSeverity {
				a = Annotation{Severity: s, Title: "And more", Message: fmt.Sprintf("%d more %ss are not shown here.", len(of)-i, s)}
				b.WriteString(command(a))
				break
			}
			b.WriteString(command(a))
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write annotations: %w", err)
	}
	return nil
}

// command returns one workflow command and its line's end.
func command(a Annotation) string {
	var properties []string
	add := func(name, value string) {
		if value != "" {
			properties = append(properties, name+"="+escapeProperty(text.Visible(value)))
		}
	}
	add("file", a.Pos.File)
	if a.Pos.File != "" && a.Pos.Line > 0 {
		add("line", strconv.Itoa(a.Pos.Line))
		if a.Pos.Column > 0 {
			add("col", strconv.Itoa(a.Pos.Column))
		}
	}
	add("title", a.Title)
	return fmt.Sprintf("::%s %s::%s\n", a.Severity, strings.Join(properties, ","), escapeData(text.Visible(a.Message)))
}

// escapeData and escapeProperty write what GitHub's runner turns back.
func escapeData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func escapeProperty(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}

// maxQuality bounds the entries of a Code Quality report.
const maxQuality = 5_000

type quality struct {
	Description string          `json:"description"`
	CheckName   string          `json:"check_name"`
	Fingerprint string          `json:"fingerprint"`
	Severity    string          `json:"severity"`
	Location    qualityLocation `json:"location"`
}

type qualityLocation struct {
	Path  string       `json:"path"`
	Lines qualityLines `json:"lines"`
}

type qualityLines struct {
	Begin int `json:"begin"`
}

// GitLab writes the remarks on files as a Code Quality report. The fingerprint of a remark
// names what it says about which task in which file, so that it stays the same when lines
// move. Remarks after the first 5,000 are left out. An error is w's.
func GitLab(w io.Writer, as []Annotation) error {
	as = slices.DeleteFunc(slices.Clone(as), func(a Annotation) bool { return a.Pos.File == "" })
	as = as[:min(len(as), maxQuality)]
	seen := make(map[string]int, len(as))
	d := jsondoc.New(w)
	d.Elements(func(yield func(any) bool) {
		for _, a := range as {
			if !yield(newQuality(a, seen)) {
				return
			}
		}
	})
	d.Line()
	return d.Flush()
}

// newQuality makes the entry of a; seen counts those that would have the same
// fingerprint, of which GitLab shows only one.
func newQuality(a Annotation, seen map[string]int) quality {
	print := Fingerprint(a.Code, a.Pos.File, a.Subject)
	seen[print]++
	if n := seen[print]; n > 1 {
		print = Fingerprint(print, fmt.Sprint(n))
	}
	return quality{
		Description: text.Visible(a.Title + ": " + a.Message),
		CheckName:   "wedatasync/" + a.Code,
		Fingerprint: print,
		Severity:    qualitySeverity(a),
		Location:    qualityLocation{a.Pos.File, qualityLines{max(a.Pos.Line, 1)}},
	}
}

func qualitySeverity(a Annotation) string {
	switch {
	case a.Severity == Error:
		return "critical"
	case a.Grave:
		return "major"
	case a.Severity == Warning:
		return "minor"
	default:
		return "info"
	}
}

// Fingerprint names its parts, in order, in 32 hexadecimal digits.
func Fingerprint(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
