// Package folder reads specs from a folder: one that people edit, the volume of a
// ConfigMap, or one that git-sync keeps.
//
// A [Source] is notified of changes and reads again only what was changed. An error means
// that nothing was learned: the Set of the last poll stays what it was.
//
// What may enter: how a folder is looked at and watched. Not which files are specs and
// what they say (package specfiles), nor what follows from it.
package folder

import (
	"context"
	"errors"

	"github.com/wedatasync/wedatasync/internal/fault"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/specfiles"
)

// ErrNoFolder says that a folder cannot be read. It is met wrapped in an [*Error].
var ErrNoFolder = errors.New("folder cannot be read")

// Error says what is wrong with a folder, and what to do about it.
type Error = fault.Error

// describe makes an error one of this package's, about a folder.
func describe(err error, dir string) *Error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Kind: kindOf(err), Err: err}
	}
	if errors.Is(e.Kind, gitstore.ErrNoPath) && e.Hint == "" {
		e.Hint = "set --path to the folder with the specs"
	}
	e.Op = "read source " + dir
	return e
}

func kindOf(err error) error {
	for _, kind := range []error{specfiles.ErrIgnoreFile, gitstore.ErrTooLarge, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return ErrNoFolder
}
