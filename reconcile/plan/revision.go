package plan

import (
	"fmt"
	"strings"
)

// Unverified says why a newest revision does not count. It comes wrapped with
// ErrUnverified; without it, no commit is at fault.
type Unverified struct {
	Head  Authored // the newest revision
	Fault Authored // the commit that does not count: the newest itself, or one that led to it
	Err   error    // what is wrong with it
}

// Authored is a commit and who wrote it.
type Authored struct{ Commit, Author string }

func (u *Unverified) Error() string { return u.Err.Error() }

// Unwrap returns what is wrong with the commit.
func (u *Unverified) Unwrap() error { return u.Err }

// IsCommit reports whether what is to be approved is a commit, by its whole name, and not a
// plan.
func IsCommit(target string) bool {
	const digits = 40
	return len(target) == digits && strings.Trim(strings.ToLower(target), "0123456789abcdef") == ""
}

// rewriteText says what a rewritten history leaves, and what its plan changes.
func rewriteText(p *Plan, f *Facts) string {
	text := "the history was rewritten: %s does not come after %s, the revision of the last pass; "
	if f.Uncompared {
		text = "the history cannot be compared: a commit on the way to %s from %s, the revision of the last pass, cannot be read; "
	}
	text = fmt.Sprintf(text, Short(p.Source.Revision), Short(f.Control.Revision))
	var does []string
	if n := p.Asked(); n > 0 {
		does = append(does, "asks for "+numberOf(n, "commit"))
	}
	if n := p.Count(ActionForget); n > 0 {
		does = append(does, "takes "+numberOf(n, "task")+" out of the state")
	}
	if does == nil {
		return text + "it asks for no commit"
	}
	return text + "it " + strings.Join(does, " and ")
}

// SyncedAt begins the answer to a sync, before the newest revision.
const SyncedAt = "polled the source: the newest revision is "
