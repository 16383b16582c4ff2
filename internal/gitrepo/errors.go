package gitrepo

import (
	"errors"

	"github.com/wedatasync/wedatasync/internal/fault"
)

// What can be wrong with a repository on this disk, beside what can be wrong with its
// objects. They are met wrapped in an [*Error].
var (
	ErrNoRepository = errors.New("repository not found")
	ErrFormat       = errors.New("the repository is stored in a way that is not supported")
	ErrNoRevision   = errors.New("revision not found")
	ErrAmbiguous    = errors.New("revision is ambiguous")
	ErrCutOff       = errors.New("not all of the repository is here")
)

// Error says what is wrong with a repository, and what to do about it.
type Error = fault.Error
