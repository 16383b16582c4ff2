// Package cell measures, pads and cuts text by the columns that it takes on a terminal.
//
// What may enter: functions of text. Not what is written.
package cell

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// PadRight fills s with spaces to n cells.
func PadRight(s string, n int) string { return s + strings.Repeat(" ", max(0, n-Count(s))) }

// PadLeft is PadRight with the spaces in front.
func PadLeft(s string, n int) string { return strings.Repeat(" ", max(0, n-Count(s))) + s }

// ClipLeft cuts the start of s to at most n cells: the end of a path says more.
func ClipLeft(s string, n int) string {
	have := Count(s)
	if have <= n {
		return s
	}
	for i, r := range s {
		if have < n {
			return "…" + s[i:]
		}
		have -= runeCells(r)
	}
	return "…"
}

// Count counts the columns s takes on a terminal.
func Count(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

func runeCells(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}
