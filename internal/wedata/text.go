package wedata

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wedatasync/wedatasync/state"
)

// leastSecret is the length from which a secret is looked for in a text. Anything
// shorter is none, and would tear words apart.
const leastSecret = 6

// cleaner makes text from outside fit to be kept and shown.
type cleaner struct{ secrets *strings.Replacer }

// newCleaner returns a cleaner that replaces the secrets, as they are and in the
// forms that a server could give them back in.
func newCleaner(secrets []string) cleaner {
	var forms []string
	for _, s := range secrets {
		if len(s) < leastSecret {
			continue
		}
		forms = append(forms, s, url.QueryEscape(s), url.PathEscape(s),
			base64.RawStdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)))
	}
	// The longest first: one secret can begin with another.
	slices.SortFunc(forms, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, f := range forms {
		pairs = append(pairs, f, redacted)
	}
	return cleaner{strings.NewReplacer(pairs...)}
}

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
