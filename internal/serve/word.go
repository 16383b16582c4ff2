package serve

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

const (
	maxWordBody = 8 << 10
	// wordWithin is how long the daemon gets to answer: what is under way may have
	// to end first.
	wordWithin = 40 * time.Second
)

// wordRequest is the body of POST /api/v1/words.
type wordRequest struct {
	Verb   state.Verb `json:"verb"`
	Target string     `json:"target"`
	Arg    string     `json:"arg"`
	Until  time.Time  `json:"until"`
	Actor  string     `json:"actor"`
}

// serveWord gives a person's word to the daemon, if the person has the token in the
// file.
func (s *Server) serveWord(tokenFile string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.mayAct(r, tokenFile) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="wedatasync"`)
			fail(w, http.StatusUnauthorized, "a token is needed: Authorization: Bearer TOKEN")
			return
		}
		s.passOn(w, r)
	}
}

// passOn gives the word in the body to the daemon, and answers with what became of it.
func (s *Server) passOn(w http.ResponseWriter, r *http.Request) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		fail(w, http.StatusUnsupportedMediaType, "the body has to be application/json")
		return
	}
	word, err := readWord(http.MaxBytesReader(w, r.Body, maxWordBody))
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{})
	_ = rc.SetWriteDeadline(time.Now().Add(wordWithin + writeTimeout))
	ctx, cancel := context.WithTimeout(r.Context(), wordWithin)
	defer cancel()
	said, err := s.cfg.Say(ctx, word)
	switch {
	case errors.Is(err, ErrPending):
		answer(w, http.StatusAccepted, state.Answer{Message: ErrPending.Error()})
	case err != nil:
		fail(w, http.StatusServiceUnavailable, errorText(err))
	case !said.OK:
		answer(w, http.StatusConflict, said)
	default:
		answer(w, http.StatusOK, said)
	}
}

// mayAct reports whether the request has the token.
func (s *Server) mayAct(r *http.Request, tokenFile string) bool {
	known, err := readSecrets(tokenFile)
	if err != nil {
		s.cfg.Logger.ErrorContext(r.Context(), "read the token for actions", "error", err)
		return false
	}
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return ok && strings.EqualFold(scheme, "Bearer") && known.match(token)
}

// readWord reads a word, and checks what can be told without the state.
func readWord(body io.Reader) (state.Word, error) {
	var req wordRequest
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(&req); err != nil {
		return state.Word{}, errors.New("the body is not the JSON object of a word, as /api/v1/openapi.yaml has it")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return state.Word{}, errors.New("the body has more than one word")
	}
	for _, text := range []string{req.Target, req.Arg, req.Actor} {
		if text != state.Clip(text) {
			return state.Word{}, errors.New("a text is too long")
		}
	}
	word := state.Word{At: time.Now(), Actor: "api", Verb: req.Verb, Target: req.Target, Arg: req.Arg, Until: req.Until}
	if req.Actor != "" {
		// The token says that it may act, not who it is.
		word.Actor = state.Clip(req.Actor + " (api)")
	}
	return word, checkWord(&word)
}

func checkWord(w *state.Word) error {
	switch w.Verb {
	case state.VerbApprove:
		if w.Target == "" {
			return errors.New("approve needs the plan hash as its target")
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
	case state.VerbRetry, state.VerbUnsuspend:
	default:
		return errors.New("verb is one of approve, retry, resolve, suspend, unsuspend")
	}
	return nil
}
