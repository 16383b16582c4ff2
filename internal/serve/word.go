package serve

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
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

// serveWord gives the word of somebody with a token to the daemon.
func (s *Server) serveWord(known tokens) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t := known.find(r, s.cfg.Logger, bearer(r))
		if t == nil {
			w.Header().Set("WWW-Authenticate", `Bearer realm="wedatasync"`)
			fail(w, http.StatusUnauthorized, "a token is needed: Authorization: Bearer TOKEN")
			return
		}
		prove(r)
		s.passOn(w, r, t)
	}
}

// passOn gives the word in the body to the daemon, and answers with what became of it.
func (s *Server) passOn(w http.ResponseWriter, r *http.Request, t *Token) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		fail(w, http.StatusUnsupportedMediaType, "the body has to be application/json")
		return
	}
	word, err := readWord(http.MaxBytesReader(w, r.Body, maxWordBody), t)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	if !t.may(word.Verb) {
		s.cfg.Logger.WarnContext(r.Context(), "word refused", "verb", word.Verb, "target", word.Target, "actor", word.Actor)
		fail(w, http.StatusForbidden, t.cannot(word.Verb))
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

// readWord reads a word of the token's bearer, and checks what can be told without the
// state.
func readWord(body io.Reader, t *Token) (state.Word, error) {
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
	if t.Name != "" && req.Actor != "" && req.Actor != t.Name {
		return state.Word{}, errors.New("actor: the token says who gives the word: leave it out")
	}
	word := state.Word{At: time.Now(), Actor: t.actor(req.Actor), Verb: req.Verb, Target: req.Target, Arg: req.Arg, Until: req.Until}
	return word, checkWord(&word)
}

// actor is who gives a word with the token, as the history has it. A token with a name
// says who; one without says that its bearer may act, and the request who that claims to
// be.
func (t *Token) actor(claimed string) string {
	switch {
	case t.Name != "":
		return t.Name
	case claimed != "":
		return state.Clip(claimed + " (api)")
	default:
		return "api"
	}
}

func checkWord(w *state.Word) error {
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
	case state.VerbRetry, state.VerbUnsuspend:
	default:
		return errors.New("verb is one of approve, retry, resolve, suspend, unsuspend")
	}
	return nil
}
