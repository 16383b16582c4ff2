// Package fault has the one error that says what could not be done, why, and what to do
// about it.
//
// What may enter: how such an error is made a line. Not the kinds of errors, which are
// those of the packages that make them.
package fault

import (
	"fmt"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/text"
)

// Error says what could not be done, why, and what to do about it. Its text holds
// no secret, is one line, and bounds what comes from outside.
type Error struct {
	Op     string // verb and object, such as "comment on pull request 7 of acme/tasks"
	Kind   error  // what is wrong; errors.Is finds it
	Detail string // which, where, in whose words; may be empty
	Hint   string // what to do; may be empty
	Err    error  // the cause; may be nil

	// Of a request over HTTP.
	Status     int           // of the response; 0 if there was none
	RetryAfter time.Duration // how long the server wants to be left alone; 0 if it does not say
	Effect     Effect        // whether it may be sent again
}

// Effect is what a failed request can have done, which decides whether it may be
// sent again.
type Effect uint8

// The effects of a request that failed.
const (
	Final     Effect = iota // it will not help to repeat it
	NotDone                 // nothing was done, and it can succeed later
	MaybeDone               // something may have been done
)

// Error returns one line: what was done, what is wrong, and what to do.
func (e *Error) Error() string {
	line := fmt.Sprint(e.Kind)
	if e.Op != "" {
		line = e.Op + ": " + line
	}
	kind := fmt.Sprint(e.Kind)
	detail := without(e.Detail, kind)
	if detail != "" {
		line += ": " + detail
	}
	if e.Status != 0 {
		line += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	if e.Err != nil {
		if cause := without(e.Err.Error(), kind, detail); cause != "" {
			line += ": " + cause
		}
	}
	if e.RetryAfter > 0 {
		line += fmt.Sprintf(": it asks to wait %v", e.RetryAfter.Round(time.Second))
	}
	if e.Hint != "" {
		line += ": " + e.Hint
	}
	return line
}

// without returns the text on one line, bounded, without what was said just before: a cause
// often begins with the kind that it is of.
func without(said string, before ...string) string {
	said = strings.TrimRight(text.OneLine(said, maxQuote), ": ")
	for _, b := range before {
		if rest, ok := strings.CutPrefix(said, b); ok && b != "" && (rest == "" || rest[0] == ':') {
			said = strings.TrimLeft(rest, ": ")
		}
	}
	return said
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
