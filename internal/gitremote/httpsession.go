package gitremote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	gittransport "github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/wedatasync/wedatasync/internal/transport"
)

// httpSession asks a server over git's smart protocol of http: a request for the list of
// refs, and one for a pack. It is not go-git's, which drops what a server says.
type httpSession struct {
	remote *httpRemote
	base   string // the repository's URL, as the server may have corrected it

	protocol string // the version of git's protocol; the first if empty
}

const (
	uploadPack = "git-upload-pack"
	infoRefs   = "/info/refs"
)

// AdvertisedReferencesContext reads the list of refs.
func (s *httpSession) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	resp, err := s.do(ctx, http.MethodGet, infoRefs+"?service="+uploadPack, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	// A redirect, which stays on the host, may have added .git.
	at := *resp.Request.URL
	at.RawQuery = ""
	s.base = strings.TrimSuffix(at.String(), infoRefs)
	refs := packp.NewAdvRefs()
	err = refs.Decode(resp.Body)
	if errors.Is(err, packp.ErrEmptyAdvRefs) || err == nil && refs.IsEmpty() {
		return nil, gittransport.ErrEmptyRemoteRepository
	}
	return refs, err
}

// UploadPack asks for a pack.
func (s *httpSession) UploadPack(ctx context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	var body bytes.Buffer
	if err := encodeRequest(&body, req); err != nil {
		return nil, err
	}
	resp, err := s.do(ctx, http.MethodPost, "/"+uploadPack, &body)
	if err != nil {
		return nil, err
	}
	answer := packp.NewUploadPackResponse(req)
	if err := answer.Decode(resp.Body); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return answer, nil
}

// Close has nothing to do: connections are kept for the next session.
func (*httpSession) Close() error { return nil }

func (s *httpSession) do(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, body)
	if err != nil {
		return nil, err
	}
	// Servers tell git from browsers by its name.
	req.Header.Set("User-Agent", "git/wedatasync")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-"+uploadPack+"-request")
		req.Header.Set("Accept", "application/x-"+uploadPack+"-result")
	}
	if s.protocol != "" {
		req.Header.Set(protoField, s.protocol)
		transport.MarkRead(req)
	}
	if s.remote.password != "" {
		req.SetBasicAuth(s.remote.user, s.remote.password)
	}
	return s.remote.client.Do(req)
}

// encodeRequest writes a request for a pack, which says all that it has at once.
func encodeRequest(w io.Writer, req *packp.UploadPackRequest) error {
	if err := req.Validate(); err != nil {
		return err
	}
	if err := req.UploadRequest.Encode(w); err != nil {
		return fmt.Errorf("ask for a pack: %w", err)
	}
	if err := req.UploadHaves.Encode(w, false); err != nil {
		return fmt.Errorf("ask for a pack: %w", err)
	}
	return pktline.NewEncoder(w).EncodeString("done\n")
}
