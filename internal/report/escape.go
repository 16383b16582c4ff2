package report

import (
	"io"
	"strings"

	"github.com/wedatasync/wedatasync/internal/text"
)

// Visible is [text.Visible].
func Visible(s string) string { return text.Visible(s) }

// NoCommands is [text.NoCommands].
func NoCommands(w io.Writer) io.Writer { return text.NoCommands(w) }

// codeSpan returns s as markdown's inline code, at most limit bytes of it. A
// backtick would end it and a bar would end a table's cell, even when escaped: the
// parsers do not agree on an escape inside code. So neither is left in it.
func codeSpan(s string, limit int) string {
	s = strings.ReplaceAll(Visible(s), "`", `\u0060`)
	s = strings.ReplaceAll(s, "|", `\u007c`)
	if s = text.Clip(s, limit); s == "" {
		return "–"
	}
	return "`" + s + "`"
}
