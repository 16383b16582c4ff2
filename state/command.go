package state

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// Command is what an operator asks of the daemon. Any process may post one; the holder
// of the state's lock carries it out and answers.
type Command struct {
	ID    int64     `json:"id"`
	At    time.Time `json:"at"`
	Actor string    `json:"actor"`
	Verb  Verb      `json:"verb"`
	// Target is a plan hash or a commit for approve, else "projectId/taskId", or empty for everything.
	Target string    `json:"target,omitempty"`
	Arg    string    `json:"arg,omitempty"` // resolve: "applied" or "not-applied"; suspend: the reason
	Until  time.Time `json:"until,omitzero"`
}

// Verb is what a Command asks for.
type Verb string

// The verbs of a Command.
const (
	VerbApprove   Verb = "approve"
	VerbRetry     Verb = "retry"
	VerbResolve   Verb = "resolve"
	VerbSuspend   Verb = "suspend"
	VerbUnsuspend Verb = "unsuspend"
	VerbSync      Verb = "sync" // poll the source now
)

// CommandResult is what became of a Command.
type CommandResult struct {
	OK      bool   `json:"ok"`
	Message string `json:"message"`
}

// CarriedOut is a command and what became of it. A command is carried out once.
type CarriedOut struct {
	ID     int64
	Result CommandResult
}

// MaxCommandText bounds each text of a Command, in characters.
const MaxCommandText = 512

// Check reports what makes a command one that nobody can carry out.
func (c *Command) Check() error {
	if !slices.Contains([]Verb{VerbApprove, VerbRetry, VerbResolve, VerbSuspend, VerbUnsuspend, VerbSync}, c.Verb) {
		return fmt.Errorf("there is no verb %q", Clip(string(c.Verb)))
	}
	for _, text := range []string{c.Actor, c.Target, c.Arg} {
		if utf8.RuneCountInString(text) > MaxCommandText || !utf8.ValidString(text) {
			return fmt.Errorf("a text is longer than %d characters, or not UTF-8", MaxCommandText)
		}
	}
	return nil
}
