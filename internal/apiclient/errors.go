package apiclient

import (
	"errors"
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/internal/text"
)

// What can be wrong with a request. They are met wrapped in an [*Error].
var (
	ErrConfig      = errors.New("configuration cannot be used")
	ErrToken       = errors.New("token not accepted")
	ErrPermission  = errors.New("permission denied")
	ErrNotFound    = errors.New("not found")
	ErrLimited     = errors.New("too many requests")
	ErrUnavailable = errors.New("server cannot be reached")
	ErrRefused     = errors.New("request refused")
	ErrBadAnswer   = errors.New("answer is not what the API says")
)

// Error says what could not be done, why, and what to do about it. Its text holds
// no secret, is one line, and bounds what comes from outside.
type Error struct {
	Op     string // verb and object, such as "comment on pull request 7 of acme/tasks"
	Kind   error  // one of the Err... values above
	Status int    // of the answer; 0 if there was none
	Detail string // in the server's words; may be empty
	Hint   string // what to do; may be empty
	Err    error  // the cause below HTTP; may be nil
	// RetryAfter is how long the server wants to be left alone; 0 if it does not say.
	RetryAfter time.Duration

	Effect effect
}

// effect is what a failed request can have done, which decides whether it may be
// sent again.
type effect uint8

const (
	Final     effect = iota // it will not help to repeat it
	NotDone                 // nothing was done, and it can succeed later
	MaybeDone               // something may have been done
)

// Error returns one line: what was done, what is wrong, and what to do.
func (e *Error) Error() string {
	line := fmt.Sprintf("%s: %v", e.Op, e.Kind)
	if e.Detail != "" {
		line += ": " + text.OneLine(e.Detail, maxQuote)
	}
	if e.Status != 0 {
		line += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	if e.Err != nil {
		line += ": " + text.OneLine(e.Err.Error(), maxQuote)
	}
	if e.RetryAfter > 0 {
		line += fmt.Sprintf(": it asks to wait %v", e.RetryAfter.Round(time.Second))
	}
	if e.Hint != "" {
		line += ": " + e.Hint
	}
	return line
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// maxQuote bounds what an error repeats of a text from outside, in bytes.
const maxQuote = 300
