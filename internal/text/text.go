package text

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// more stands for what was cut off.
const more = "…"

// Clip cuts s to at most limit bytes without breaking a character. What is cut ends
// with an ellipsis of 3 bytes.
func Clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := limit - len(more)
	if cut < 0 {
		return ""
	}
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + more
}

// OneLine returns s as valid UTF-8 on one line, at most limit bytes of it. Whatever
// cannot be seen is a space, and there is one space at most between two words.
func OneLine(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if Hidden(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return Clip(strings.Join(strings.Fields(s), " "), limit)
}

// Printable returns s with escapes, as in Go, for what cannot be seen, so that a file
// name cannot forge a second line or hide the first. A text that has nothing to hide
// stays as it is.
func Printable(s string) string {
	if !strings.ContainsFunc(s, Hidden) && utf8.ValidString(s) {
		return s
	}
	quoted := showHidden(strconv.Quote(s))
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// Quote returns at most limit bytes of s in double quotes, with escapes as in Go for
// what cannot be seen. The quotes and the escapes come on top of the limit.
func Quote(s string, limit int) string { return showHidden(strconv.Quote(Clip(s, limit))) }

// showHidden escapes what package strconv takes for printable and nobody sees.
func showHidden(quoted string) string {
	if !strings.ContainsFunc(quoted, Hidden) {
		return quoted
	}
	var b strings.Builder
	for _, r := range quoted {
		if Hidden(r) {
			b.WriteString(escapeRune(r))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// escapeRune writes a character as an escape of Go.
func escapeRune(r rune) string {
	quoted := strconv.QuoteRuneToASCII(r)
	return quoted[1 : len(quoted)-1]
}

// ShellWord returns s as one word of a POSIX shell, for a command that a person is to
// copy. A word of harmless characters stays as it is.
func ShellWord(s string) string {
	if s != "" && s[0] != '-' && !strings.ContainsFunc(s, notPlain) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// notPlain reports whether a character may mean something to a shell.
func notPlain(r rune) bool {
	plain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:@%+,", r)
	return !plain
}

// Plural writes a number of things: "1 task", "2000 tasks".
func Plural(n int, noun string) string { return plural(n, strconv.Itoa(n), noun) }

// PluralGrouped writes a number of things with the thousands apart: "2,000 tasks".
func PluralGrouped(n int, noun string) string { return plural(n, Grouped(n), noun) }

func plural(n int, number, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number + " " + noun + "s"
}

// Grouped writes a number with its thousands apart.
func Grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
