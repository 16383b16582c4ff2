package gitremote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/text"
)

// maxAdvertised bounds the list of refs a server sends, in bytes.
const maxAdvertised = 16 << 20

// Session is one conversation with a server: it lists its refs, then may be
// asked for a pack.
type Session interface {
	AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error)
	UploadPack(context.Context, *packp.UploadPackRequest) (*packp.UploadPackResponse, error)
	Close() error
}

// Remote starts sessions with one repository. It reads credentials anew each
// time.
type Remote interface {
	Connect(ctx context.Context) (Session, error)
	// Secrets are the texts that must not be shown if they turn up in an error.
	Secrets() []string
	// Denied says that a session was not let in.
	Denied()
	// Check reads the files that a session needs.
	Check() error
	// CloseIdle closes connections that are kept between sessions.
	CloseIdle()
}

// Conversation is a session whose refs have been read.
type Conversation struct {
	Head    plumbing.Hash // the commit that the branch is at
	session Session
	refs    *packp.AdvRefs
}

// Talk begins a conversation about a branch. Its errors are *Errors.
func Talk(ctx context.Context, r Remote, branch plumbing.ReferenceName) (*Conversation, error) {
	s, err := r.Connect(ctx)
	if err != nil {
		return nil, Classify(ctx, err)
	}
	c := &Conversation{session: s}
	if c.refs, err = s.AdvertisedReferencesContext(ctx); err == nil {
		c.Head, err = pickBranch(c.refs, branch)
	}
	if err != nil {
		_ = s.Close()
		fault := Classify(ctx, err)
		if errors.Is(fault, ErrAuth) {
			r.Denied()
		}
		return nil, fault
	}
	return c, nil
}

// Close ends the conversation.
func (c *Conversation) Close() error { return c.session.Close() }

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
	b.WriteString(": set --branch to one of them")
	return b.String()
}

// RequestPack asks for a pack of what the branch has and the haves have not.
func (c *Conversation) RequestPack(ctx context.Context, haves []plumbing.Hash, maxPack int64) (*Pack, error) {
	// Servers such as Azure DevOps give nothing to who does not understand several
	// acknowledgements (multi_ack), which go-git reads where a request says all at once.
	req := packp.NewUploadPackRequestFromCapabilities(c.refs.Capabilities)
	req.Capabilities.Delete(capability.ThinPack)
	if c.refs.Capabilities.Supports(capability.NoProgress) {
		if err := req.Capabilities.Set(capability.NoProgress); err != nil {
			return nil, err
		}
	}
	req.Wants = []plumbing.Hash{c.Head}
	req.Haves = haves
	resp, err := c.session.UploadPack(ctx, req)
	if err != nil {
		return nil, err
	}
	p := &Pack{closer: resp, said: new(tail)}
	if s, ok := c.session.(*stream); ok {
		p.said = s.errors
	}
	// What comes beside the pack, such as endless progress, counts as well.
	p.reader = gitstore.LimitReader(resp, maxPack+maxPack/8+1<<20, "a pack with its messages")
	kind := sideband.Sideband64k
	switch {
	case req.Capabilities.Supports(capability.Sideband64k):
	case req.Capabilities.Supports(capability.Sideband):
		kind = sideband.Sideband
	default:
		return p, nil
	}
	demuxer := sideband.NewDemuxer(kind, p.reader)
	demuxer.Progress, p.reader = p.said, demuxer
	return p, nil
}

// Pack is a pack as a server sends it.
type Pack struct {
	reader io.Reader
	closer io.Closer
	said   *tail // beside the pack: without progress, that is why there will be no more of it
}

// Read reads the pack.
func (p *Pack) Read(b []byte) (int, error) { return p.reader.Read(b) }

// Close ends the reading.
func (p *Pack) Close() error { return p.closer.Close() }

// Classify says what an error of reading the pack means, with what the server has said.
func (p *Pack) Classify(ctx context.Context, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Classify(ctx, p.said.after(err))
}
