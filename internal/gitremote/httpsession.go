package gitremote

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"strings"

	"github.com/wedatasync/wedatasync/internal/gitremote/wire"
	"github.com/wedatasync/wedatasync/internal/transport"
)

// httpSession asks a server over git's smart protocol of http: a request for its greeting,
// and one for each answer. It is not go-git's, which drops what a server says.
type httpSession struct {
	remote *httpRemote
	base   string // the repository's URL, as the server may have corrected it
	beside tail
}

const (
	uploadPack = "/git-upload-pack"
	infoRefs   = "/info/refs"
)

func (s *httpSession) said() *tail { return &s.beside }

func (s *httpSession) greeting(ctx context.Context) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+infoRefs+"?service="+uploadPack[1:], nil)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set(wire.Header, wire.Version2)
	resp, err := s.do(req)
	if err != nil {
		return answer{}, err
	}
	// A redirect, which stays on the host, may have added .git.
	at := *resp.Request.URL
	at.RawQuery = ""
	s.base = strings.TrimSuffix(at.String(), infoRefs)
	s.remote.base.Store(&s.base)
	return smart(resp)
}

func (s *httpSession) ask(ctx context.Context, r request) (answer, error) {
	body, encoding := r.body, ""
	if len(body) > plainRequest {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(body) // to memory
		_ = z.Close()
		body, encoding = b.Bytes(), "gzip"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+uploadPack, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/x-git-upload-pack-request")
	req.Header.Set("Accept", "application/x-git-upload-pack-result")
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	if r.version2 {
		req.Header.Set(wire.Header, wire.Version2)
	}
	if r.quick {
		transport.MarkRead(req)
	}
	resp, err := s.do(req) //nolint:bodyclose // the answer is closed by who reads it
	if err != nil {
		return answer{}, err
	}
	return answer{bufio.NewReader(resp.Body), resp.Body}, nil
}

// plainRequest is from how many bytes on a request is compressed. Git has 1024; the haves of
// any fetch are less than this.
const plainRequest = 64 << 10

// Close has nothing to do: connections are kept for the next session.
func (*httpSession) Close() error { return nil }

func (s *httpSession) do(req *http.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", wire.Agent)
	if s.remote.password != "" {
		req.SetBasicAuth(s.remote.user, s.remote.password)
	}
	return s.remote.client.Do(req)
}
