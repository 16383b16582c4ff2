package text

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Visible returns s as text of one line that shows all that is in it: what does
// not print, or cannot be seen, is written as an escape, and nothing in it is a command
// in the log of a CI job.
//
// Runners find commands in what a job prints: GitHub's after "::" where a line begins,
// and, as Azure Pipelines, TeamCity and older ones, in brackets after "##" anywhere.
// What GitLab and Jenkins look for begins with a control character.
func Visible(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + len(s)/8)
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case Hidden(r):
			b.WriteString(escapeRune(r))
		case startsCommand(s, i):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// isPlain reports whether s is printable ASCII without colons and number signs
// that may be commands: nearly every text is.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return !strings.Contains(s, "::") && !strings.Contains(s, "##") && !strings.HasSuffix(s, ":")
}

// startsCommand reports whether the character at s[i] begins what may be a command, also
// with a colon that comes after s.
func startsCommand(s string, i int) bool {
	switch {
	case s[i] == '#':
		return strings.HasPrefix(s[i:], "##")
	case s[i] == ':':
		return (i == 0 || s[i-1] == ' ') && (i+1 == len(s) || s[i+1] == ':')
	default:
		return false
	}
}

// NoCommands returns a writer that writes to w what it is given, but for commands in the log of
// a CI job, as [Visible] knows them: one of its characters is written as an escape, which
// says the same in JSON. It is for lines that are written by others, such as a log.
func NoCommands(w io.Writer) io.Writer { return &noCommands{w: w} }

// noCommands remembers the line so far.
type noCommands struct {
	w     io.Writer
	begun bool // there is something in the line that no runner skips
	last  byte
}

// Write writes p, or reports w's error.
func (t *noCommands) Write(p []byte) (int, error) {
	out := make([]byte, 0, len(p)+16)
	for _, c := range p {
		switch {
		case c == '#' && t.last == '#', c == ':' && t.last == ':' && !t.begun:
			out = fmt.Appendf(out, `\u%04x`, c)
		default:
			out = append(out, c)
		}
		switch {
		case c == '\n' || c == '\r':
			t.begun = false
		case c > ' ' && c < utf8.RuneSelf && c != ':':
			t.begun = true
		case t.last == ':' && c != ':':
			t.begun = true // a single colon
		}
		t.last = c
	}
	if _, err := t.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}
