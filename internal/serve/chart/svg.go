package chart

import (
	"fmt"
	"html"
	"html/template"
	"strings"
)

// canvas writes an SVG. Every text in it is escaped.
type canvas struct{ b strings.Builder }

// write adds markup of ours. The arguments are numbers, and texts that esc has escaped.
func (c *canvas) write(format string, args ...any) { fmt.Fprintf(&c.b, format, args...) }

func (c *canvas) html() template.HTML { return template.HTML(c.b.String()) }

func esc(s string) string { return html.EscapeString(s) }

// clip cuts s to so many columns. A letter of the wide scripts takes two.
func clip(s string, columns int) string {
	width := 0
	for i, r := range s {
		next := width + columnsOf(r)
		if next > columns || next == columns && i+len(string(r)) < len(s) {
			return s[:i] + "…"
		}
		width = next
	}
	return s
}

func columnsOf(r rune) int {
	if r >= 0x1100 && (r <= 0x115f || r >= 0x2e80) {
		return 2
	}
	return 1
}
