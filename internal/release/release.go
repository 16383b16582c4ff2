package release

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// Release is one revision, from when it was first seen until it was done.
type Release struct {
	state.Release
	// Tasks are those that something was sent for, or tried to be, in the order in which
	// that began; nil in a list of releases. At most MaxTasks.
	Tasks []Task `json:"tasks,omitempty"`
	// MoreTasks is how many tasks are not in Tasks, as far as that is known.
	MoreTasks int `json:"more_tasks,omitempty"`
	// Cut says that the history of the release is longer than what was read of it: times
	// and tasks of its beginning can be missing.
	Cut bool `json:"cut,omitempty"`
}

// Newest returns up to n releases, the newest first, without their tasks.
func Newest(c *state.Control, n int) []Release {
	list := make([]Release, 0, min(n, len(c.Releases)))
	for _, r := range slices.Backward(c.Releases) {
		if len(list) == n {
			break
		}
		list = append(list, Release{Release: r})
	}
	return list
}

// ErrUnknown says that no release is remembered by that name.
var ErrUnknown = errors.New("no such release")

// AmbiguousError says that several revisions begin with a prefix.
type AmbiguousError struct {
	Prefix    string
	Revisions []string // the newest first
}

// Error lists the revisions.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q is the beginning of %d revisions: %s", e.Prefix, len(e.Revisions), strings.Join(e.Revisions, ", "))
}

// MinPrefix is how many characters a prefix of a revision needs at the least.
const MinPrefix = 4

// Find returns the newest release of a revision, which is named in full, or by a prefix
// that no other has; "" names the newest. The error is one of ErrUnknown, or an
// AmbiguousError.
func Find(c *state.Control, name string) (Release, error) {
	var found []state.Release // of different revisions
	for _, r := range slices.Backward(c.Releases) {
		switch {
		case name == "" || r.Revision == name:
			return Release{Release: r}, nil
		case len(name) < MinPrefix || !strings.HasPrefix(r.Revision, strings.ToLower(name)):
		case !slices.ContainsFunc(found, func(f state.Release) bool { return f.Revision == r.Revision }):
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 1:
		return Release{Release: found[0]}, nil
	case len(found) > 1:
		e := &AmbiguousError{Prefix: name}
		for _, r := range found {
			e.Revisions = append(e.Revisions, r.Revision)
		}
		return Release{}, e
	case name == "":
		return Release{}, fmt.Errorf("%w: none is remembered yet", ErrUnknown)
	case len(name) < MinPrefix:
		return Release{}, fmt.Errorf("%w: %q is too short: name at least %d characters of the revision", ErrUnknown, name, MinPrefix)
	default:
		return Release{}, fmt.Errorf("%w: %q is not among the last %d", ErrUnknown, name, len(c.Releases))
	}
}

// Ended reports whether nothing more happens to the release by itself.
func (r *Release) Ended() bool {
	switch r.Outcome {
	case state.ReleaseDone, state.ReleaseFailed, state.ReleaseOvertaken:
		return true
	default:
		return false
	}
}

// Begin returns when the release begins: when its revision was first seen.
func (r *Release) Begin() time.Time { return r.SeenAt }

// Took returns how long the release took from when it was first seen until it ended, or
// has taken until now.
func (r *Release) Took(now time.Time) time.Duration { return between(r.SeenAt, r.until(now)) }

// SinceCommit is Took from when the revision was committed, by the committer's clock: from
// the merge, where a forge merges. It is 0 where that is not known.
func (r *Release) SinceCommit(now time.Time) time.Duration {
	return between(r.CommittedAt, r.until(now))
}

func (r *Release) until(now time.Time) time.Time {
	if r.EndedAt.IsZero() {
		return now
	}
	return r.EndedAt
}

// between is 0 where a time is not known, or clocks differ.
func between(from, to time.Time) time.Duration {
	if from.IsZero() || to.IsZero() {
		return 0
	}
	return max(to.Sub(from), 0)
}

// Count returns how many of the tasks are at the stage.
func (r *Release) Count(s Stage) int {
	n := 0
	for i := range r.Tasks {
		if r.Tasks[i].Stage == s {
			n++
		}
	}
	return n
}

// Sent counts the requests that left for the release, retries included.
func (r *Release) Sent() int {
	n := 0
	for i := range r.Tasks {
		n += r.Tasks[i].Requests
	}
	return n
}

// LiveAt returns when the last task of the release was seen live; zero if none was, or one
// is not yet.
func (r *Release) LiveAt() time.Time {
	var last time.Time
	for i := range r.Tasks {
		at := r.Tasks[i].LiveAt
		if at.IsZero() {
			return at
		}
		if at.After(last) {
			last = at
		}
	}
	return last
}

func sortTasks(tasks []Task) {
	slices.SortFunc(tasks, func(a, b Task) int {
		return cmp.Or(a.BeganAt.Compare(b.BeganAt), a.Key.Compare(b.Key))
	})
}
