package forge

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/wedatasync/wedatasync/internal/apiclient"
	"github.com/wedatasync/wedatasync/internal/fault"
	"github.com/wedatasync/wedatasync/internal/text"
)

// State is how a revision stands, as the forges show it beside a commit.
type State string

// The states of a Status.
const (
	StatePending State = "pending" // something is still to be done
	StateSuccess State = "success" // everything is in sync
	StateFailure State = "failure" // action is required
	// StateOvertaken says that a newer commit came before this one was done: what becomes of
	// it shows there. GitLab has canceled for that, and the others only success.
	StateOvertaken State = "overtaken"
)

// Status is what a forge shows beside a commit.
type Status struct {
	State       State
	Context     string // tells it from the statuses of others
	Description string // what is longer than 140 bytes is cut off
	URL         string // of a page with more; may be empty
}

// maxShown bounds what an error repeats of a setting, in bytes.
const maxShown = 300

// maxDescription is how long GitHub takes a description to be. GitLab takes 255.
const maxDescription = 140

// SetStatus shows the status beside the commit. It asks once: a status is how something
// stands, and who sets it knows whether it still does.
func (f *Forge) SetStatus(ctx context.Context, revision string, s Status) error {
	op := "set the status of commit " + text.OneLine(revision, maxShown)
	if !IsRevision(revision) {
		return &fault.Error{Op: op, Kind: apiclient.ErrConfig, Detail: "it is not a commit of a git repository"}
	}
	ctx, cancel := apiclient.WithTimeout(ctx, op, f.timeout)
	defer cancel()
	path := f.statuses(f.config.Repository, revision)
	call := f.ask(op, http.MethodPost, path, f.shown(s), discard)
	call.Repeatable = true // twice the same says the same
	err := f.client.Patient(1, 0, f.config.Logger).Do(ctx, call)
	if e, ok := errors.AsType[*fault.Error](err); ok && f.config.Kind == GitLab && s.State == StatePending && isSame(e) {
		return nil
	}
	return err
}

// isSame reports whether GitLab refused that something is under way because it says so
// already, for which it has no code of its own. The text stays as it was.
func isSame(e *fault.Error) bool {
	return e.Status == http.StatusBadRequest && strings.Contains(e.Detail, "Cannot transition status")
}

// shown is the status as the forge takes it.
func (f *Forge) shown(s Status) map[string]string {
	state, name := string(s.State), "context"
	if f.config.Kind == GitLab {
		name = "name"
		state = map[State]string{StatePending: "running", StateFailure: "failed", StateOvertaken: "canceled"}[s.State]
		state = cmp.Or(state, string(s.State))
	} else if s.State == StateOvertaken {
		state = string(StateSuccess)
	}
	shown := map[string]string{"state": state, name: s.Context, "description": text.Clip(s.Description, maxDescription)}
	if s.URL != "" {
		shown["target_url"] = s.URL
	}
	return shown
}

// IsRevision reports whether a revision is a commit hash of git, in full: a folder
// has none.
func IsRevision(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}
