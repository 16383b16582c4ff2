package gitremote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/text"
)

// stream is a session with a git-upload-pack at the other end of two pipes. What
// it waits for ends with the context it was made with.
type stream struct {
	branch plumbing.ReferenceName
	listed *listing
	in     io.WriteCloser
	out    *bufio.Reader
	errors *tail        // what the other end says on its standard error
	wait   func() error // waits until the other end has ended
	close  func() error // ends it
	asked  bool         // a pack was requested
}

// AdvertisedReferencesContext reads the list of refs.
func (s *stream) AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error) {
	refs := packp.NewAdvRefs()
	err := refs.Decode(newRefFilter(gitstore.LimitReader(s.out, maxAdvertised, "a list of refs"), s.branch.String(), s.listed))
	switch {
	case errors.Is(err, packp.ErrEmptyAdvRefs), err == nil && refs.IsEmpty():
		return nil, transport.ErrEmptyRemoteRepository
	case errors.Is(err, packp.ErrEmptyInput):
		return nil, s.refused()
	case err != nil:
		return nil, s.errors.after(err)
	}
	return refs, nil
}

// refused says why the other end said nothing.
func (s *stream) refused() error {
	_ = s.in.Close()
	_ = s.wait() // what it said is complete then; how it ended adds nothing
	said := s.errors.String()
	if said == "" {
		return io.ErrUnexpectedEOF
	}
	return &Error{Kind: ErrNoRepository, Detail: text.OneLine(said, maxCause), Hint: "check the path in --source, and that the repository may be read"}
}

// UploadPack asks for a pack.
func (s *stream) UploadPack(_ context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	s.asked = true
	w := bufio.NewWriter(s.in)
	if err := encodeRequest(w, req); err != nil {
		return nil, err
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	resp := packp.NewUploadPackResponse(req)
	if err := resp.Decode(io.NopCloser(newAckFilter(s.out))); err != nil {
		return nil, s.errors.after(err)
	}
	return resp, nil
}

// Close ends the conversation, politely if nothing was asked.
func (s *stream) Close() error {
	if !s.asked {
		_, _ = s.in.Write(pktline.FlushPkt) // it may be gone already
	}
	_ = s.in.Close()
	return s.close()
}

// tail keeps the first bytes of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
	gone atomic.Bool // it says nothing any more
}

// errGone says why a connection was given up.
var errGone = errors.New("the host does not answer any more")

func (t *tail) Write(p []byte) (int, error) {
	const most = 4 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p[:min(len(p), most-len(t.text))]...)
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// after adds to an error what was said, if anything.
func (t *tail) after(err error) error {
	if t.gone.Load() {
		return &Error{Kind: ErrUnreachable, Err: errGone}
	}
	if said := t.String(); said != "" {
		return fmt.Errorf("%w: the server says: %s", err, said)
	}
	return err
}
