package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/internal/text"
)

// maxAdvertised bounds the list of refs a server sends, in bytes.
const maxAdvertised = 16 << 20

// session is one conversation with a server: it lists its refs, then may be
// asked for a pack. go-git's http sessions are sessions.
type session interface {
	AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error)
	UploadPack(context.Context, *packp.UploadPackRequest) (*packp.UploadPackResponse, error)
	Close() error
}

// connector starts sessions with one repository. It reads credentials anew each
// time.
type connector interface {
	connect(ctx context.Context) (session, error)
	// secrets are the texts that must not be shown if they turn up in an error.
	secrets() []string
	// denied says that a session was not let in.
	denied()
	// close lets go of connections that are kept between sessions.
	close()
}

// pickBranch returns the commit that the branch is at.
func pickBranch(refs *packp.AdvRefs, branch plumbing.ReferenceName) (plumbing.Hash, error) {
	if len(refs.Shallows) > 0 {
		return plumbing.ZeroHash, &Error{
			Kind: ErrShallow,
			Hint: "the repository is a shallow clone: fetch its whole history there (git fetch --unshallow)",
		}
	}
	if h, ok := refs.References[branch.String()]; ok && !h.IsZero() {
		return h, nil
	}
	var others []string
	for name := range refs.References {
		if short, ok := strings.CutPrefix(name, "refs/heads/"); ok {
			others = append(others, short)
		}
	}
	if len(others) == 0 {
		return plumbing.ZeroHash, &Error{Kind: ErrEmptyRepository, Hint: "push a branch with specs first"}
	}
	return plumbing.ZeroHash, &Error{Kind: ErrNoBranch, Detail: text.OneLine(branch.Short(), 100), Hint: listBranches(others)}
}

func listBranches(names []string) string {
	const most = 5
	slices.Sort(names)
	var b strings.Builder
	b.WriteString("it has ")
	for i, name := range names[:min(len(names), most)] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(text.OneLine(name, 60))
	}
	switch more := len(names) - most; {
	case len(names) >= maxNamed:
		b.WriteString(" and many more")
	case more > 0:
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}

// requestPack asks for all that want has and haves have not.
func requestPack(ctx context.Context, s session, refs *packp.AdvRefs, want plumbing.Hash, haves []plumbing.Hash, maxPack int64) (io.ReadCloser, error) {
	req := packp.NewUploadPackRequestFromCapabilities(refs.Capabilities)
	if refs.Capabilities.Supports(capability.NoProgress) {
		if err := req.Capabilities.Set(capability.NoProgress); err != nil {
			return nil, err
		}
	}
	req.Wants = []plumbing.Hash{want}
	req.Haves = haves
	resp, err := s.UploadPack(ctx, req)
	if err != nil {
		return nil, err
	}
	// What comes beside the pack, such as endless progress, counts as well.
	var r io.Reader = gitstore.LimitReader(resp, maxPack+maxPack/8+1<<20, "a pack with all that is said beside it")
	switch {
	case req.Capabilities.Supports(capability.Sideband64k):
		r = sideband.NewDemuxer(sideband.Sideband64k, r)
	case req.Capabilities.Supports(capability.Sideband):
		r = sideband.NewDemuxer(sideband.Sideband, r)
	}
	return struct {
		io.Reader
		io.Closer
	}{r, resp}, nil
}

// remoteError says what an error of a conversation means.
func remoteError(ctx context.Context, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	_, isNet := errors.AsType[net.Error](err)
	switch cause := context.Cause(ctx); {
	case cause != nil:
		return &Error{Kind: ErrUnreachable, Err: cause}
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return &Error{Kind: ErrEmptyRepository, Hint: "push a branch with specs first"}
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return &Error{
			Kind: ErrNoRepository, Err: err,
			Hint: "check the URL, and that the credentials may read it: many servers say the same for both",
		}
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return &Error{Kind: ErrAuth, Err: err, Hint: "check the user name and the password file, and that they may read the repository"}
	case isNet:
		return &Error{Kind: ErrUnreachable, Err: err}
	case errors.Is(err, gitstore.ErrTooLarge):
		return &Error{Kind: gitstore.ErrTooLarge, Err: err}
	}
	return &Error{Kind: ErrBadAnswer, Err: err, Hint: "try again; if it lasts, check that the URL is that of a git repository"}
}

// scrub takes secrets out of an error that repeats them.
func scrub(err error, secrets []string) error {
	if text := err.Error(); len(secrets) > 0 {
		if clean := secret.Replacer(secrets...).Replace(text); clean != text {
			return errors.New(clean)
		}
	}
	return err
}
