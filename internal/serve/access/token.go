package access

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/wedatasync/wedatasync/state"
)

// VerbRead lets a token read where reading needs one. The other verbs are those of commands.
const VerbRead state.Verb = "read"

// Verbs lists what a token can be good for.
func Verbs() []state.Verb {
	return []state.Verb{
		state.VerbApprove, state.VerbRetry, state.VerbResolve, state.VerbSuspend, state.VerbUnsuspend, state.VerbSync, VerbRead,
	}
}

// Token says who may do what over HTTP.
type Token struct {
	// Name goes into the history as the actor. Empty: the token says that its bearer may
	// act, and the request who that is.
	Name string
	// File has the token; a second line may have another one, for its rotation. It is
	// read again at each use.
	File  string
	Verbs []state.Verb
}

// May reports whether the token is good for the verb.
func (t *Token) May(v state.Verb) bool { return slices.Contains(t.Verbs, v) }

// setting names the setting that the file is from.
func (t *Token) setting() string {
	switch {
	case t.Name != "":
		return "tokens, " + t.Name
	case t.May(state.VerbApprove):
		return "--action-token-file"
	default:
		return "--read-token-file"
	}
}

// Tokens are all tokens that are known.
type Tokens []Token

// Act reports whether one of them is good for more than to read.
func (all Tokens) Act() bool {
	return slices.ContainsFunc(all, func(t Token) bool {
		return slices.ContainsFunc(t.Verbs, func(v state.Verb) bool { return v != VerbRead })
	})
}

// Check reads every file, and refuses a token that two files have: its bearer could be either.
func (all Tokens) Check() error {
	first := map[[sha256.Size]byte]string{}
	for _, t := range all {
		s, err := ReadSecrets(t.setting(), t.File, nil)
		if err != nil {
			return err
		}
		for _, v := range s.values {
			sum := sha256.Sum256(v)
			if other, taken := first[sum]; taken && other != t.File {
				return fmt.Errorf("read secrets: %s and %s have the same token: give each its own", other, t.File)
			}
			first[sum] = t.File
		}
	}
	return nil
}

// Find returns the token that was given; nil if it is unknown or that of two. It compares
// all of them, so that its duration says nothing about any.
func (all Tokens) Find(r *http.Request, log *slog.Logger, given string) *Token {
	var found *Token
	n := 0
	for i := range all {
		known, err := ReadSecrets(all[i].setting(), all[i].File, log)
		if err != nil {
			log.ErrorContext(r.Context(), "read a token", "error", err)
			continue
		}
		if known.Match(given) {
			found = &all[i]
			n++
		}
	}
	if n != 1 {
		return nil
	}
	return found
}

// Bearer returns the token in the request's Authorization header, or "".
func Bearer(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// Refusal says that the token is not good for the verb.
func (t *Token) Refusal(v state.Verb) string {
	return fmt.Sprintf("the token %s may not %s: its verbs are %s", t.Name, v, join(t.Verbs))
}

func join(verbs []state.Verb) string {
	var b strings.Builder
	for i, v := range verbs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(v))
	}
	return b.String()
}

// Actor is who acts with the token, as the history has it. A token with a name says who;
// one without says that its bearer may act, and the request who that claims to be.
func (t *Token) Actor(claimed string) string {
	switch {
	case t.Name != "":
		return t.Name
	case claimed != "":
		return state.Clip(claimed + " (api)")
	default:
		return "api"
	}
}
