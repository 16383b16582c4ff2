package report

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// maxQuality bounds the entries of a Code Quality report.
const maxQuality = 5_000

// GitLab writes the plan's remarks on the specs as a Code Quality report. The
// fingerprint of a remark names what it says about which task in which file, so
// that it stays the same when lines move. Remarks without a file are left out, and
// so are those after the worst 5,000. An error is w's.
func GitLab(w io.Writer, p *plan.Plan) error {
	return writeQuality(w, newView(p, 0).annotations())
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
	d := bareDocument(bufio.NewWriter(w))
	d.elements(func(yield func(any) bool) {
		for _, a := range as {
			if !yield(newQuality(a, seen)) {
				return
			}
		}
	})
	d.w.WriteByte('\n')
	return d.flush()
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
		Description: Visible(a.title + ": " + a.message),
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
