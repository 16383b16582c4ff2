package report

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// maxPerSeverity is how many annotations of a severity GitHub shows for a step.
const maxPerSeverity = 10

// GitHub writes the plan's remarks as workflow commands, which GitHub shows
// beside the lines of the specs: problems, what guards hold, commits that discard
// state, other holds, and changes without a new version. GitHub shows ten of a
// severity; when there are more, the last one says how many. An error is w's.
func GitHub(w io.Writer, p *plan.Plan) error {
	return writeCommands(w, newView(p, 0).annotations())
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
			properties = append(properties, name+"="+escapeProperty(Visible(value)))
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
	return fmt.Sprintf("::%s %s::%s\n", a.severity, strings.Join(properties, ","), escapeData(Visible(a.message)))
}

// escapeData and escapeProperty write what GitHub's runner turns back.
func escapeData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func escapeProperty(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
