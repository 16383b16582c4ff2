package report

import (
	"strings"

	"github.com/wedatasync/wedatasync/internal/text"
)

// codeSpan returns s as markdown's inline code, at most limit bytes of it. A
// backtick would end it and a bar would end a table's cell, even when escaped: the
// parsers do not agree on an escape inside code. So neither is left in it.
func codeSpan(s string, limit int) string {
	s = strings.ReplaceAll(text.Visible(s), "`", `\u0060`)
	s = strings.ReplaceAll(s, "|", `\u007c`)
	if s = text.Clip(s, limit); s == "" {
		return "–"
	}
	return "`" + s + "`"
}
