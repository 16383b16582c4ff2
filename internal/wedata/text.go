package wedata

import (
	"strings"

	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/internal/text"
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
	return text.OneLine(c.secrets.Replace(s), state.MaxMessage)
}

// id returns an id, a code or a time, likewise, in at most maxID bytes.
func (c cleaner) id(s string) string { return text.Clip(c.text(s), maxID) }
