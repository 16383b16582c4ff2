package source

import (
	"context"
	"errors"
	"fmt"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile"
)

// What can be wrong with a source. They are met wrapped in an [*Error].
var (
	ErrNoRepository    = errors.New("repository not found")
	ErrEmptyRepository = errors.New("repository is empty")
	ErrNoBranch        = errors.New("branch not found")
	ErrNoRevision      = errors.New("revision not found")
	ErrAuth            = errors.New("access denied")
	ErrHostKey         = errors.New("host key not trusted")
	ErrUnreachable     = errors.New("source cannot be reached")
	ErrBadAnswer       = errors.New("answer is not what git says") // malformed, cut off, or not git at all
	ErrShallow         = errors.New("history is cut off")
	ErrIgnoreFile      = errors.New("ignore file cannot be used")
	ErrMirror          = errors.New("mirror cannot be used")
	ErrNoGit           = errors.New("git command not found")
	ErrNoFolder        = errors.New("folder cannot be read")
	ErrUnverified      = reconcile.ErrUnverified
)

// Error says what is wrong with a source, and what to do about it. Its text holds
// no credentials, is one line, and bounds what comes from outside.
type Error struct {
	Kind   error  // one of the Err... values above
	Source string // the URL or folder, redacted
	Detail string // which, where; may be empty
	Hint   string // what to do; may be empty
	Err    error  // the cause; may be nil
}

// Error returns one line: the source, what is wrong with it, and what to do.
func (e *Error) Error() string {
	line := fmt.Sprintf("read source %s: %v", e.Source, e.Kind)
	if e.Detail != "" {
		line += ": " + e.Detail
	}
	if e.Err != nil {
		line += ": " + text.OneLine(e.Err.Error(), maxCause)
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

// maxCause bounds what an error repeats of a text that came from outside, in bytes.
const maxCause = 300

// describe makes an error one of this package's, about a source.
func describe(err error, source string) *Error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Kind: kindOf(err), Err: err}
	}
	e.Source = source
	return e
}

// kindOf finds which of the errors of this package an error is.
func kindOf(err error) error {
	for _, kind := range []error{gitstore.ErrNoPath, ErrNoRevision, ErrIgnoreFile, gitstore.ErrTooLarge, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return ErrBadAnswer
}
