package gitremote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/wedatasync/wedatasync/internal/gitremote/wire"
)

// version0 is how go-git speaks with servers that do not know version 2 of git's protocol:
// such a server begins with the list of all its refs.
type version0 struct{ refs *packp.AdvRefs }

// readVersion0 reads what is to be known of the list.
func readVersion0(in io.Reader, branch plumbing.ReferenceName) (*version0, error) {
	refs := packp.NewAdvRefs()
	err := refs.Decode(wire.FilterRefs(in, branch.String()))
	if errors.Is(err, packp.ErrEmptyAdvRefs) || err == nil && refs.IsEmpty() {
		return nil, transport.ErrEmptyRemoteRepository
	}
	return &version0{refs}, err
}

// branch returns where the branch is.
func (v *version0) branch(name plumbing.ReferenceName) (plumbing.Hash, error) {
	if len(v.refs.Shallows) > 0 {
		return plumbing.ZeroHash, wire.ErrShallow
	}
	if head, ok := v.refs.References[name.String()]; ok && !head.IsZero() {
		return head, nil
	}
	var others []string
	for other := range v.refs.References {
		others = append(others, other)
	}
	return plumbing.ZeroHash, noBranch(name, others)
}

// requestPack asks for a pack.
func (v *version0) requestPack(ctx context.Context, c *Conversation, haves []plumbing.Hash, maxPack int64) (*Pack, error) {
	// Servers such as Azure DevOps give nothing to who does not understand several
	// acknowledgements (multi_ack), which go-git reads where a request says all at once.
	req := packp.NewUploadPackRequestFromCapabilities(v.refs.Capabilities)
	req.Capabilities.Delete(capability.ThinPack)
	if v.refs.Capabilities.Supports(capability.NoProgress) {
		if err := req.Capabilities.Set(capability.NoProgress); err != nil {
			return nil, err
		}
	}
	req.Wants = []plumbing.Hash{c.Head}
	req.Haves = haves
	body, err := encodeRequest(req)
	if err != nil {
		return nil, err
	}
	in, err := c.session.ask(ctx, request{body: body})
	if err != nil {
		return nil, c.session.said().after(err)
	}
	resp := packp.NewUploadPackResponse(req)
	if err := resp.Decode(io.NopCloser(wire.FilterAcks(in))); err != nil {
		_ = in.Close()
		return nil, c.session.said().after(err)
	}
	p := c.newPack(resp, in, maxPack)
	switch {
	case req.Capabilities.Supports(capability.Sideband64k):
		p.demultiplex(sideband.Sideband64k)
	case req.Capabilities.Supports(capability.Sideband):
		p.demultiplex(sideband.Sideband)
	}
	return p, nil
}

// encodeRequest makes a request for a pack, which says all that it has at once.
func encodeRequest(req *packp.UploadPackRequest) ([]byte, error) {
	var b bytes.Buffer
	err := req.Validate()
	if err == nil {
		err = req.UploadRequest.Encode(&b)
	}
	if err == nil {
		err = req.UploadHaves.Encode(&b, false)
	}
	if err != nil {
		return nil, fmt.Errorf("ask for a pack: %w", err)
	}
	err = pktline.NewEncoder(&b).EncodeString("done\n")
	return b.Bytes(), err
}
