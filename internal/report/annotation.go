package report

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/report/jsondoc"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// severity is how loud an annotation is.
type severity string

const (
	severityError   severity = "error"
	severityWarning severity = "warning"
	severityNotice  severity = "notice"
)

// annotation is one remark for the lines of a pull request.
type annotation struct {
	severity severity
	code     string // stable, such as "duplicate-task"
	title    string
	message  string
	pos      spec.Pos // zero if the remark is about no file
	subject  string   // what identifies it beside code and file: no line, no time
}

// annotations lists what a reviewer should see beside the lines, the worst first.
func annotations(v *view) []annotation {
	as := problemAnnotations(v.plan.Problems)
	if s := unverified(v.plan); s != "" {
		as = append(as, annotation{severityError, "unverified", "Not verified", s, spec.Pos{}, "unverified"})
	}
	for _, h := range v.plan.Holds {
		as = append(as, annotation{severityWarning, "guard", "Held by guard " + h.Guard, h.Message, spec.Pos{}, h.Guard})
	}
	for _, c := range v.sends[0] {
		as = append(as, changeAnnotation(c, severityWarning, "discard-state", "State will be discarded",
			fmt.Sprintf("%s loses its state and starts again from nothing, version %s.", c.Key, versionSpan(c))))
	}
	for _, p := range freshStarts(v) {
		as = append(as, annotation{severityWarning, p.Code, "Fresh start, state not continued", p.Message, p.Pos, p.Message})
	}
	for _, c := range v.held {
		as = append(as, heldAnnotation(c))
	}
	for _, c := range v.notRunning {
		as = append(as, changeAnnotation(c, severityWarning, "not-running", "Not running", fmt.Sprintf("%s %s.", c.Key, detail(c))))
	}
	for _, c := range v.unversioned {
		as = append(as, changeAnnotation(c, severityNotice, "unversioned", "Nothing will be sent",
			fmt.Sprintf("%s changed without a new version. Give it a new instanceVersion to send the change.", c.Key)))
	}
	return as
}

func heldAnnotation(c *plan.Change) annotation {
	d := explain.Of(c)
	meaning := d.State.Info().Meaning
	if why := d.Reason(); why != "" {
		meaning += " (" + why + ")"
	}
	message := fmt.Sprintf("%s is held: %s. Next: %s.", c.Key, meaning, d.Next)
	s, title := severityNotice, "Held: "+string(c.Hold)
	switch c.Hold {
	case plan.HoldUnknown, plan.HoldRefused, plan.HoldContested, plan.HoldRecalled, plan.HoldSpent:
		s = severityWarning
	}
	if c.Impact == plan.ImpactDiscardState {
		s, title = severityWarning, title+", and discards state when it is sent"
	}
	return changeAnnotation(c, s, "held-"+string(c.Hold), title, message)
}

func changeAnnotation(c *plan.Change, s severity, code, title, message string) annotation {
	return annotation{s, code, title, message, position(c), c.Key.String()}
}

// problemAnnotations lists errors, then warnings.
func problemAnnotations(ps spec.Problems) []annotation {
	var errors, warnings []annotation
	for _, p := range ps {
		if p.Severity == spec.SeverityError {
			errors = append(errors, annotation{severityError, p.Code, "Invalid spec", p.Message, p.Pos, p.Message})
		} else {
			warnings = append(warnings, annotation{severityWarning, p.Code, "Doubtful spec", p.Message, p.Pos, p.Message})
		}
	}
	return append(errors, warnings...)
}

// maxPerSeverity is how many annotations of a severity GitHub shows for a step.
const maxPerSeverity = 10

// GitHub writes the plan's remarks as workflow commands, which GitHub shows
// beside the lines of the specs: problems, what guards hold, commits that discard
// state, other holds, and changes without a new version. GitHub shows ten of a
// severity; when there are more, the last one says how many. An error is w's.
func GitHub(w io.Writer, p *plan.Plan) error {
	return writeCommands(w, annotations(newView(p, 0)))
}

func writeCommands(w io.Writer, as []annotation) error {
	b := bufio.NewWriter(w)
	for _, s := range []severity{severityError, severityWarning, severityNotice} {
		var of []annotation
		for _, a := range as {
			if a.severity == s {
				of = append(of, a)
			}
		}
		for i, a := range of {
			if i == maxPerSeverity-1 && len(of) > maxPerSeverity {
				a = annotation{severity: s, title: "And more", message: fmt.Sprintf("%d more %ss are not shown here.", len(of)-i, s)}
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
func command(a annotation) string {
	var properties []string
	add := func(name, value string) {
		if value != "" {
			properties = append(properties, name+"="+escapeProperty(text.Visible(value)))
		}
	}
	add("file", a.pos.File)
	if a.pos.File != "" && a.pos.Line > 0 {
		add("line", strconv.Itoa(a.pos.Line))
		if a.pos.Column > 0 {
			add("col", strconv.Itoa(a.pos.Column))
		}
	}
	add("title", a.title)
	return fmt.Sprintf("::%s %s::%s\n", a.severity, strings.Join(properties, ","), escapeData(text.Visible(a.message)))
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

// GitLab writes the plan's remarks on the specs as a Code Quality report. The
// fingerprint of a remark names what it says about which task in which file, so
// that it stays the same when lines move. Remarks without a file are left out, and
// so are those after the worst 5,000. An error is w's.
func GitLab(w io.Writer, p *plan.Plan) error {
	return writeQuality(w, annotations(newView(p, 0)))
}

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

func writeQuality(w io.Writer, as []annotation) error {
	as = slices.DeleteFunc(as, func(a annotation) bool { return a.pos.File == "" })
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
func newQuality(a annotation, seen map[string]int) quality {
	print := digest(a.code, a.pos.File, a.subject)
	seen[print]++
	if n := seen[print]; n > 1 {
		print = digest(print, fmt.Sprint(n))
	}
	return quality{
		Description: text.Visible(a.title + ": " + a.message),
		CheckName:   "wedatasync/" + a.code,
		Fingerprint: print,
		Severity:    qualitySeverity(a),
		Location:    qualityLocation{a.pos.File, qualityLines{max(a.pos.Line, 1)}},
	}
}

func qualitySeverity(a annotation) string {
	switch {
	case a.severity == severityError:
		return "critical"
	case a.code == "discard-state", a.code == string(plan.ImpactFreshStart):
		return "major"
	case a.severity == severityWarning:
		return "minor"
	default:
		return "info"
	}
}

// digest names its parts, in order, in 32 hexadecimal digits.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
