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
