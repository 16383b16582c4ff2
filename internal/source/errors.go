package source

import (
	"context"
	"errors"

	"github.com/wedatasync/wedatasync/internal/fault"
	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/specfiles"
	"github.com/wedatasync/wedatasync/reconcile"
)

// What can be wrong with a source, beside what can be wrong with its server or its
// objects. They are met wrapped in an [*Error].
var (
	ErrMirror     = errors.New("mirror cannot be used")
	ErrUnverified = reconcile.ErrUnverified
)

// Error says what is wrong with a source, and what to do about it.
type Error = fault.Error

// reading says what fails when a source does.
func reading(source string) string { return "read source " + source }

// describe makes an error one of this package's, about a source.
func describe(err error, source string) *Error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Kind: kindOf(err), Err: err}
	}
	if errors.Is(e.Kind, gitstore.ErrNoPath) && e.Hint == "" {
		e.Hint = "set --path to the folder with the specs"
	}
	e.Op = reading(source)
	return e
}

// kindOf finds which of the errors of this package an error is.
func kindOf(err error) error {
	for _, kind := range []error{gitstore.ErrNoPath, specfiles.ErrIgnoreFile, gitstore.ErrTooLarge, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return gitremote.ErrBadAnswer
}
