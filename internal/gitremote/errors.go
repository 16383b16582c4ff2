package gitremote

import (
	"context"
	"errors"
	"net"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/wedatasync/wedatasync/internal/fault"
	"github.com/wedatasync/wedatasync/internal/gitremote/wire"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/secret"
)

// What can be wrong with a repository and the way to it. They are met wrapped in an
// [*Error].
var (
	ErrNoRepository    = errors.New("repository not found")
	ErrEmptyRepository = errors.New("repository is empty")
	ErrNoBranch        = errors.New("branch not found")
	ErrAuth            = errors.New("access denied")
	ErrHostKey         = errors.New("host key not trusted")
	ErrUnreachable     = errors.New("source cannot be reached")
	ErrBadAnswer       = errors.New("answer is not what git says") // malformed, cut off, or not git at all
	ErrShallow         = wire.ErrShallow
	ErrRefused         = errors.New("server refuses") // in git's own protocol
	ErrNoGit           = errors.New("git command not found")
)

// Error says what is wrong with a source, and what to do about it.
type Error = fault.Error

// maxCause bounds what an error repeats of a text that came from outside, in bytes.
const maxCause = 300

// Classify says what an error of a conversation means.
func Classify(ctx context.Context, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	line, isLine := errors.AsType[*pktline.ErrorLine](err)
	_, isNet := errors.AsType[net.Error](err)
	switch cause := context.Cause(ctx); {
	case cause != nil:
		return &Error{Kind: ErrUnreachable, Err: cause}
	case isLine:
		return &Error{Kind: ErrRefused, Err: errors.New(line.Text), Hint: "check --source, and that what --git-token-file or --ssh-key-file names may read it"}
	case errors.Is(err, ErrShallow):
		return &Error{Kind: ErrShallow, Hint: "the repository is a shallow clone: fetch its whole history there (git fetch --unshallow)"}
	case errors.Is(err, gitstore.ErrSHA256):
		return &Error{Kind: gitstore.ErrSHA256, Hint: gitstore.HintSHA256}
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return &Error{Kind: ErrEmptyRepository, Hint: "push a branch with specs first"}
	case isNet:
		return &Error{Kind: ErrUnreachable, Err: err, Hint: "check --source, and whether this machine reaches it"}
	case errors.Is(err, gitstore.ErrTooLarge):
		return &Error{Kind: gitstore.ErrTooLarge, Err: err}
	}
	return &Error{Kind: ErrBadAnswer, Err: err, Hint: "try again; if it lasts, check that --source is the URL of a git repository"}
}

// Scrub takes secrets out of an error that repeats them.
func Scrub(err error, secrets []string) error {
	if text := err.Error(); len(secrets) > 0 {
		if clean := secret.Replacer(secrets...).Replace(text); clean != text {
			return errors.New(clean)
		}
	}
	return err
}
