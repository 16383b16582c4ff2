package state

import (
	"fmt"
	"slices"
	"time"
)

// Word is what a person asks of the daemon. Any process may post one; the holder
// of the state's lock carries it out and answers.
type Word struct {
	ID    int64     `json:"id"`
	At    time.Time `json:"at"`
	Actor string    `json:"actor"`
	Verb  Verb      `json:"verb"`
	// Target is a plan hash or a commit for approve, else "projectId/taskId", or empty for everything.
	Target string    `json:"target,omitempty"`
	Arg    string    `json:"arg,omitempty"` // resolve: "applied" or "not-applied"; suspend: the reason
	Until  time.Time `json:"until,omitzero"`
}

// Verb is what a Word asks for.
type Verb string

// The verbs of a Word.
const (
	VerbApprove   Verb = "approve"
	VerbRetry     Verb = "retry"
	VerbResolve   Verb = "resolve"
	VerbSuspend   Verb = "suspend"
	VerbUnsuspend Verb = "unsuspend"
)

// Answer is what became of a Word.
type Answer struct {
	OK      bool   `json:"ok"`
	Message string `json:"message"`
}

// AnsweredWord is a word and what became of it. A word is answered once.
type AnsweredWord struct {
	ID     int64
	Answer Answer
}

// Check reports what makes a word one that nobody can carry out.
func (w *Word) Check() error {
	if !slices.Contains([]Verb{VerbApprove, VerbRetry, VerbResolve, VerbSuspend, VerbUnsuspend}, w.Verb) {
		return fmt.Errorf("there is no verb %q", Clip(string(w.Verb)))
	}
	for _, text := range []string{w.Actor, w.Target, w.Arg} {
		if text != Clip(text) {
			return fmt.Errorf("a text is longer than %d bytes, or not UTF-8", MaxMessage)
		}
	}
	return nil
}
