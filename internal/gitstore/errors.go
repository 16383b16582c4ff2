package gitstore

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

var (
	// ErrDamaged says that the objects on disk are not what git wrote: some are
	// missing, or are not what their names say.
	ErrDamaged = errors.New("damaged object store")
	// ErrMissing is the ErrDamaged of an object that is not there at all.
	ErrMissing = fmt.Errorf("%w: it is missing", ErrDamaged)
	// ErrSHA256 says that the names of a repository's objects are not SHA-1.
	ErrSHA256 = errors.New("repository uses SHA-256 names, which are not supported")
	// ErrTooLarge says that a bound was met. The bound was checked before the memory
	// was spent.
	ErrTooLarge = errors.New("too large")
	// ErrThin says that a pack is made of objects that are not in it.
	ErrThin = fmt.Errorf("%w: it is thin", packfile.ErrMalformedPackFile)
	// ErrNoPath says that a tree has no folder at a path.
	ErrNoPath = errors.New("path not found")
)

// HintSHA256 says what to do about [ErrSHA256].
const HintSHA256 = "use a repository that git init --object-format=sha1 makes, which is what it does by itself"

// Missing is the ErrMissing of one object.
type Missing struct{ Hash plumbing.Hash }

// Error says that it is missing.
func (Missing) Error() string { return ErrMissing.Error() }

// Unwrap returns ErrMissing.
func (Missing) Unwrap() error { return ErrMissing }

// TooLarge is an object over a limit. The limit was checked before its content
// was read.
type TooLarge struct{ Size, Limit int64 }

// Error tells both sizes.
func (e TooLarge) Error() string {
	return fmt.Sprintf("%d bytes, the limit is %d bytes", e.Size, e.Limit)
}

// Is reports that it is an ErrTooLarge.
func (TooLarge) Is(target error) bool { return target == ErrTooLarge }

// DiskError is an error of the disk that a pack is written to. What was sent is not
// at fault.
type DiskError struct{ Err error }

// Error returns the cause.
func (e *DiskError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *DiskError) Unwrap() error { return e.Err }

func diskFault(err error) error {
	if _, ok := errors.AsType[*DiskError](err); ok || err == nil {
		return err
	}
	return &DiskError{err}
}

// counted reads at most limit bytes; more is an error that says what has too many.
type counted struct {
	r     io.Reader
	left  int64
	limit int64
	what  string
}

// LimitReader reads at most so many bytes of r. The error about more of them is an
// ErrTooLarge that names what they are of.
func LimitReader(r io.Reader, bytes int64, what string) io.Reader {
	return &counted{r, bytes, bytes, what}
}

// Read reads up to the limit.
func (c *counted) Read(p []byte) (int, error) {
	if c.left < 0 {
		return 0, c.tooMany()
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left+1)])
	if c.left -= int64(n); c.left < 0 {
		return max(n-1, 0), cmp.Or(err, c.tooMany())
	}
	return n, err
}

func (c *counted) tooMany() error {
	return fmt.Errorf("%w: %s of more than %d bytes", ErrTooLarge, c.what, c.limit)
}
