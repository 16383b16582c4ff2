package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/wedatasync/wedatasync/reconcile"
)

// What can be wrong with a source. They are met wrapped in an [*Error].
var (
	ErrNoRepository    = errors.New("repository not found")
	ErrEmptyRepository = errors.New("repository is empty")
	ErrNoBranch        = errors.New("branch not found")
	ErrNoPath          = errors.New("path not found")
	ErrNoRevision      = errors.New("revision not found")
	ErrAuth            = errors.New("access denied")
	ErrHostKey         = errors.New("host key not trusted")
	ErrUnreachable     = errors.New("source cannot be reached")
	ErrBadAnswer       = errors.New("answer is not what git says") // malformed, cut off, or not git at all
	ErrShallow         = errors.New("history is cut off")
	ErrTooLarge        = errors.New("too large")
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
	text := fmt.Sprintf("read source %s: %v", e.Source, e.Kind)
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Err != nil {
		text += ": " + oneLine(e.Err.Error(), maxCause)
	}
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
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

// oneLine makes text from outside fit for a message: one line of what can be
// shown, at most limit bytes long.
func oneLine(text string, limit int) string {
	text = strings.ToValidUTF8(text, "�")
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-len("…")], "") + "…"
}

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
	for _, kind := range []error{ErrNoPath, ErrNoRevision, ErrIgnoreFile, ErrTooLarge, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return ErrBadAnswer
}
