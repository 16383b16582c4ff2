package gitremote

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore"
)

// Git's protocol of version 2 lists the refs that are asked for, and earlier ones all of
// them. It takes a request more before a fetch, so it is used where there are many refs, to
// see that nothing is new.
const (
	manyRefs   = 32 << 10 // bytes of a list of refs: some 500
	maxListed  = 1 << 20  // bytes of the refs that begin with the name of the branch
	version2   = "version=2"
	protoEnv   = "GIT_PROTOCOL"
	protoField = "Git-Protocol"
)

// listing is what a Remote remembers of how its server lists refs.
type listing struct {
	size    atomic.Int64 // bytes of the newest list of all refs
	refused atomic.Bool  // the server does not know version 2
}

// lister is a Remote that can ask for one branch.
type lister interface {
	listing() *listing
	// listBranch sends a request of version 2, and returns the answer. errVersion says that
	// the server does not know it.
	listBranch(ctx context.Context, request []byte) (io.ReadCloser, error)
}

var errVersion = errors.New("the server does not know version 2 of git's protocol")

// Peek asks a server for one branch, where it has so many refs that to list them all would
// cost more. ok is false where [Talk] has to tell.
func Peek(ctx context.Context, r Remote, branch plumbing.ReferenceName) (head plumbing.Hash, ok bool) {
	l, can := r.(lister)
	if !can || l.listing().refused.Load() || l.listing().size.Load() < manyRefs {
		return head, false
	}
	head, err := listBranch(ctx, l, branch)
	if err != nil {
		kind := Classify(ctx, err).Kind
		l.listing().refused.Store(!errors.Is(kind, ErrUnreachable) && !errors.Is(kind, ErrAuth))
		return head, false
	}
	return head, !head.IsZero()
}

func listBranch(ctx context.Context, l lister, branch plumbing.ReferenceName) (plumbing.Hash, error) {
	var request []byte
	request = appendLine(request, "command=ls-refs\n")
	request = append(request, "0001"...)
	request = appendLine(request, "ref-prefix "+branch.String()+"\n")
	request = append(request, "0000"...)
	answer, err := l.listBranch(ctx, request)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	defer answer.Close()
	in := bufio.NewReader(gitstore.LimitReader(answer, maxListed, "a list of refs"))
	for {
		line, err := readLine(in)
		if err != nil || line == nil {
			return plumbing.ZeroHash, err
		}
		name, rest, _ := bytes.Cut(line, []byte(" "))
		ref, _, _ := bytes.Cut(rest, []byte(" ")) // attributes follow
		switch {
		case !plumbing.IsHash(string(name)):
			return plumbing.ZeroHash, fmt.Errorf("%w: it lists %q", errVersion, line[:min(len(line), 60)])
		case string(ref) == branch.String():
			return plumbing.NewHash(string(name)), nil
		}
	}
}

// appendLine appends a line with its length in front.
func appendLine(b []byte, line string) []byte {
	return fmt.Appendf(b, "%04x%s", len(line)+4, line)
}

// readLine reads a line without its end; nil where a list ends.
func readLine(in *bufio.Reader) ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, err
	}
	size, err := strconv.ParseUint(string(head), 16, 16)
	switch {
	case err != nil || size > 0 && size < 4:
		return nil, fmt.Errorf("%w: a line of %q bytes", errVersion, head)
	case size == 0:
		return nil, nil
	}
	line := make([]byte, size-4)
	if _, err := io.ReadFull(in, line); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return bytes.TrimSuffix(line, []byte("\n")), nil
}

// listBranch sends a request to the other end, if that answers in version 2.
func (s *stream) listBranch(request []byte) (io.ReadCloser, error) {
	first, err := readLine(s.out)
	if err == nil && string(first) != "version 2" {
		err = errVersion
	}
	for line := first; err == nil && line != nil; {
		line, err = readLine(s.out) // what it can do
	}
	if err == nil {
		_, err = s.in.Write(request)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return readCloser{s.out, s}, nil
}
