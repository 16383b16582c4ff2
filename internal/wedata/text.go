package wedata

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/state"
)

// cleaner makes text from outside fit to be kept and shown.
type cleaner struct{ secrets *strings.Replacer }

// newCleaner returns a cleaner that replaces the secrets, as they are and in the
// forms that a server could give them back in.
func newCleaner(secrets []string) cleaner { return cleaner{secret.Replacer(secrets...)} }

// text returns s on one line, without secrets and characters that cannot be seen,
// in at most state.MaxMessage bytes.
func (c cleaner) text(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, c.secrets.Replace(strings.ToValidUTF8(s, "\uFFFD")))
	return clip(strings.Join(strings.Fields(s), " "), state.MaxMessage)
}

// id returns an id, a code or a time, likewise, in at most maxID bytes.
func (c cleaner) id(s string) string { return clip(c.text(s), maxID) }

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
	return s[:cut] + more
}
