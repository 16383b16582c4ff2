package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/wedatasync/wedatasync/internal/serve/access"
	"github.com/wedatasync/wedatasync/internal/serve/admission"
	"github.com/wedatasync/wedatasync/internal/serve/problem"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// maxCommandBody bounds a body, in bytes: three texts, each character as an escape.
	maxCommandBody = 32 << 10
	// commandWithin is how long the daemon gets to answer: calls under way may have to
	// end first.
	commandWithin = 40 * time.Second
)

// commandRequest is the body of POST /api/v1/commands.
type commandRequest struct {
	Verb   state.Verb `json:"verb"`
	Target string     `json:"target"`
	Arg    string     `json:"arg"`
	Until  time.Time  `json:"until"`
	Actor  string     `json:"actor"`
}

// commands passes the commands of bearers of a token on to the daemon.
func commands(cfg *Config) http.HandlerFunc {
	known := access.Tokens(cfg.Tokens)
	return func(w http.ResponseWriter, r *http.Request) {
		t := known.Find(r, cfg.Logger, access.Bearer(r))
		if t == nil {
			w.Header().Set("WWW-Authenticate", `Bearer realm="wedatasync"`)
			problem.Write(w, http.StatusUnauthorized, "a token is required: Authorization: Bearer TOKEN")
			return
		}
		admission.Trust(r)
		submit(cfg, w, r, t)
	}
}

// submit gives the command in the body to the daemon, and answers with what became of it.
func submit(cfg *Config, w http.ResponseWriter, r *http.Request, t *access.Token) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		problem.Write(w, http.StatusUnsupportedMediaType, "the body has to be application/json")
		return
	}
	command, err := readCommand(http.MaxBytesReader(w, r.Body, maxCommandBody), t)
	if _, cut := errors.AsType[*http.MaxBytesError](err); cut {
		problem.Write(w, http.StatusRequestEntityTooLarge, "the body is over 32 KiB")
		return
	}
	if err != nil {
		problem.Write(w, http.StatusBadRequest, err.Error())
		return
	}
	if !t.May(command.Verb) {
		cfg.Logger.WarnContext(r.Context(), "operator action refused", "verb", command.Verb, "target", command.Target, "actor", command.Actor)
		problem.Write(w, http.StatusForbidden, t.Refusal(command.Verb))
		return
	}
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{})
	_ = rc.SetWriteDeadline(time.Now().Add(commandWithin + writeTimeout))
	ctx, cancel := context.WithTimeout(r.Context(), commandWithin)
	defer cancel()
	result, err := cfg.Submit(ctx, command)
	switch {
	case errors.Is(err, ErrPending):
		answer(w, http.StatusAccepted, state.CommandResult{Message: ErrPending.Error()})
	case err != nil:
		problem.Write(w, http.StatusServiceUnavailable, snapshot.ErrorText(err))
	case !result.OK:
		answer(w, http.StatusConflict, result)
	default:
		answer(w, http.StatusOK, result)
	}
}

// readCommand reads a command of the token's bearer, and checks what needs no state.
func readCommand(body io.Reader, t *access.Token) (state.Command, error) {
	var req commandRequest
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(&req); err != nil {
		if _, cut := errors.AsType[*http.MaxBytesError](err); cut {
			return state.Command{}, err
		}
		return state.Command{}, errors.New("the body is not the JSON object of an operator action: see /api/v1/openapi.yaml")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return state.Command{}, errors.New("the body has more than one operator action")
	}
	for _, text := range []string{req.Target, req.Arg, req.Actor} {
		if utf8.RuneCountInString(text) > state.MaxCommandText {
			return state.Command{}, fmt.Errorf("a text is longer than %d characters", state.MaxCommandText)
		}
	}
	if t.Name != "" && req.Actor != "" && req.Actor != t.Name {
		return state.Command{}, errors.New("actor: the token has a name already: leave it out")
	}
	command := state.Command{At: time.Now(), Actor: t.Actor(req.Actor), Verb: req.Verb, Target: req.Target, Arg: req.Arg, Until: req.Until}
	return command, checkCommand(&command)
}

func checkCommand(w *state.Command) error {
	switch w.Verb {
	case state.VerbApprove:
		if w.Target == "" {
			return errors.New("approve needs the plan hash or the commit as its target")
		}
	case state.VerbResolve:
		if w.Target == "" || w.Arg != "applied" && w.Arg != "not-applied" {
			return errors.New("resolve needs a task as its target, and applied or not-applied as its arg")
		}
	case state.VerbSuspend:
		if w.Arg == "" {
			return errors.New("suspend needs the reason as its arg")
		}
		if !w.Until.IsZero() && !w.Until.After(w.At) {
			return errors.New("until is in the past")
		}
	case state.VerbRetry, state.VerbUnsuspend, state.VerbSync:
	default:
		return errors.New("verb is one of approve, retry, resolve, suspend, unsuspend, sync")
	}
	return nil
}
