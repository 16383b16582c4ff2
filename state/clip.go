package state

import (
	"strings"

	"github.com/wedatasync/wedatasync/internal/text"
)

// Clip cuts a text from outside to MaxMessage bytes of whole characters. The
// store does so itself with what it keeps.
func Clip(s string) string { return text.Clip(strings.ToValidUTF8(s, "\uFFFD"), MaxMessage) }
