package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Visible returns s as text of one line that shows all that is in it: what does
// not print is written as an escape, and nothing in it starts a workflow command
// in the log of a CI job.
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
		case !strconv.IsPrint(r):
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
	return !strings.Contains(s, "::") && !strings.Contains(s, "##[")
}

// startsCommand reports whether the character at s[i] begins what GitHub's runner
// takes for a command: "::" where a line may begin, and the older "##[" anywhere.
func startsCommand(s string, i int) bool {
	switch {
	case strings.HasPrefix(s[i:], "##["):
		return true
	case strings.HasPrefix(s[i:], "::"):
		return i == 0 || s[i-1] == ' '
	default:
		return false
	}
}

func escapeRune(r rune) string {
	quoted := strconv.QuoteRune(r)
	return quoted[1 : len(quoted)-1]
}

// codeSpan returns s as markdown's inline code, at most limit bytes of it. A
// backtick would end it and a bar would end a table's cell, even when escaped: the
// parsers do not agree on an escape inside code. So neither is left in it.
func codeSpan(s string, limit int) string {
	s = strings.ReplaceAll(Visible(s), "`", `\u0060`)
	s = strings.ReplaceAll(s, "|", `\u007c`)
	if s = clip(s, limit); s == "" {
		return "–"
	}
	return "`" + s + "`"
}

// clip cuts s to at most limit bytes without breaking a character.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const more = "…"
	cut := limit - len(more)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:max(cut, 0)] + more
}
