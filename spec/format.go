package spec

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/spec/internal/duration"
)

// maxNote bounds a comment of [Format], in bytes.
const maxNote = 120

// Format writes the commits as one document, in their order. What [Parse] makes of it
// are the same commits, at other places; a text with thousands of commas or colons,
// which Parse takes for too many values, is the one exception. schema, if not empty,
// is where editors find the schema.
func Format(commits []Commit, schema string) []byte {
	w := new(formatter)
	if schema != "" {
		fmt.Fprintf(w, "# yaml-language-server: $schema=%s\n", comment(schema))
	}
	fmt.Fprintf(w, "apiVersion: %s\n", apiVersion)
	project := ""
	if len(commits) > 0 && !slices.ContainsFunc(commits, func(c Commit) bool { return c.ProjectID != commits[0].ProjectID }) {
		project = commits[0].ProjectID
		fmt.Fprintf(w, "defaults:\n  projectId: %s\n", quoted(project))
	}
	if len(commits) == 0 {
		w.WriteString("commits: []\n")
		return w.Bytes()
	}
	w.WriteString("commits:\n")
	for i := range commits {
		w.commit(&commits[i], project)
	}
	return w.Bytes()
}

// formatter writes YAML. All text is quoted: nothing can be taken for something else.
type formatter struct{ bytes.Buffer }

func (w *formatter) number(key string, n int64) {
	if n != 0 {
		fmt.Fprintf(w, "    %s: %d\n", key, n)
	}
}

func (w *formatter) text(key, s string) {
	if s != "" {
		fmt.Fprintf(w, "    %s: %s\n", key, quoted(s))
	}
}

func (w *formatter) list(key string, n int, item func(int) string) {
	if n == 0 {
		return
	}
	fmt.Fprintf(w, "    %s:\n", key)
	for i := range n {
		fmt.Fprintf(w, "      - %s\n", item(i))
	}
}

// wait writes what a task has to become, if that is anything.
func (w *formatter) wait(c *Wait) {
	if c.Timeout == 0 {
		return
	}
	parts := []string{"status: " + waitRunning}
	if c.Lag != 0 {
		parts = append(parts, "lag: "+duration.Format(c.Lag))
	}
	if c.CountsRestarts {
		parts = append(parts, fmt.Sprintf("restarts: %d", c.Restarts))
	}
	if c.For != 0 {
		parts = append(parts, "for: "+duration.Format(c.For))
	}
	parts = append(parts, "timeout: "+duration.Format(c.Timeout))
	fmt.Fprintf(w, "    wait: {%s}\n", strings.Join(parts, ", "))
}

// quoted writes text in double quotes, on one line.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case !text.Hidden(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// comment returns text that stays in its line and does nothing there.
func comment(s string) string {
	s = strings.Map(func(r rune) rune {
		if text.Hidden(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= maxNote {
		return s
	}
	cut := strings.ToValidUTF8(s[:maxNote-len("…")], "")
	return strings.TrimSpace(cut) + "…"
}

// Valid reports whether a spec can name the task: both ids have 1 to MaxID characters that
// can be seen and told apart, and that of the project no slash.
func (k Key) Valid() bool {
	for _, id := range []string{k.ProjectID, k.TaskID} {
		if id == "" || isLonger(id, MaxID) || !utf8.ValidString(id) || strings.ContainsFunc(id, notInID) || !norm.NFC.IsNormalString(id) {
			return false
		}
	}
	return !strings.Contains(k.ProjectID, "/")
}
