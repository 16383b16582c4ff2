package source

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/wedatasync/wedatasync/internal/gitstore/gittest"
)

// webServer is git's own http server on loopback.
type webServer struct {
	*httptest.Server
	url string // of the repository

	mu       sync.Mutex
	requests []string // what each asks for
	conns    int
	version0 bool // it does not know version 2 of git's protocol
	// serve answers in place of git if it is not nil.
	serve func(w http.ResponseWriter, r *http.Request, git http.Handler)
}

// startWeb serves the repository. tls tells whether over https.
func (r *repo) startWeb(tls bool) *webServer {
	r.T.Helper()
	s := &webServer{}
	git := &cgi.Handler{
		Path: filepath.Join(r.Feed("", "", "--exec-path"), "git-http-backend"),
		Env:  append(gittest.Env(r.Now), "GIT_PROJECT_ROOT="+filepath.Dir(r.Dir), "GIT_HTTP_EXPORT_ALL=1"),

		Stderr: io.Discard, // what it refuses is what is tested
	}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, asks(req))
		serve := s.serve
		if s.version0 {
			req.Header.Del("Git-Protocol")
		}
		s.mu.Unlock()
		if serve != nil {
			serve(w, req, git)
			return
		}
		git.ServeHTTP(w, req)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.mu.Lock()
			s.conns++
			s.mu.Unlock()
		}
	}
	if tls {
		s.StartTLS()
	} else {
		s.Start()
	}
	r.T.Cleanup(s.Close)
	s.url = s.URL + "/origin.git"
	return s
}

// What a request asks for.
const (
	askGreeting = "greeting" // in version 0, the list of all refs
	askRefs     = "refs"
	askPack     = "pack"
)

// asks tells what a request asks for.
func asks(req *http.Request) string {
	if req.Method == http.MethodGet {
		return askGreeting
	}
	in := bufio.NewReader(req.Body)
	start, _ := in.Peek(len("0014command=ls-refs"))
	req.Body = struct {
		io.Reader
		io.Closer
	}{in, req.Body}
	if strings.HasSuffix(string(start), "command=ls-refs") {
		return askRefs
	}
	return askPack
}

// authority is a file of the certificate to trust.
func (s *webServer) authority(t testing.TB) string {
	t.Helper()
	return writeFile(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
}

// instead makes the server answer by f.
func (s *webServer) instead(f func(w http.ResponseWriter, r *http.Request, git http.Handler)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serve = f
}

// asked returns the requests since the last call.
func (s *webServer) asked() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := strings.Join(s.requests, ", ")
	s.requests = nil
	return text
}

// sshServer runs git-upload-pack for one key.
type sshServer struct {
	t        testing.TB
	url      string
	listener net.Listener
	config   *ssh.ServerConfig
	hostKey  ssh.Signer
}

// startSSH serves the repository to who has the key.
func (r *repo) startSSH(key ssh.PublicKey) *sshServer {
	r.T.Helper()
	_, hostKey := newKey(r.T)
	s := &sshServer{t: r.T, hostKey: hostKey}
	s.config = &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
		if c.User() == "git" && bytes.Equal(k.Marshal(), key.Marshal()) {
			return nil, nil
		}
		return nil, io.EOF
	}}
	s.config.AddHostKey(hostKey)
	var err error
	s.listener, err = net.Listen("tcp", "127.0.0.1:0")
	must(r.T, err)
	s.url = "ssh://git@" + s.listener.Addr().String() + r.Dir
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { s.serve(conn) })
		}
	})
	r.T.Cleanup(func() {
		s.listener.Close()
		conns.Wait()
	})
	return s
}

func (s *sshServer) serve(conn net.Conn) {
	defer conn.Close()
	c, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	defer c.Close()
	go ssh.DiscardRequests(requests)
	for ch := range channels {
		channel, requests, err := ch.Accept()
		if err != nil {
			return
		}
		for req := range requests {
			if req.Type != "exec" {
				continue
			}
			_ = req.Reply(true, nil)
			var command struct{ Text string }
			_ = ssh.Unmarshal(req.Payload, &command)
			cmd := exec.Command("sh", "-c", command.Text)
			cmd.Env = gittest.Env(time.Time{})
			cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
			in, err := cmd.StdinPipe()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(in, channel)
				in.Close()
			}()
			_ = cmd.Run()
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{uint32(cmd.ProcessState.ExitCode())}))
			channel.Close()
		}
	}
}

// trust writes a known_hosts file that says that the server has the key.
func (s *sshServer) trust(key ssh.PublicKey) string {
	s.t.Helper()
	return writeFile(s.t, "known_hosts", knownhosts.Line([]string{s.listener.Addr().String()}, key)+"\n")
}

// newKey makes a key pair, and the file of the private key.
func newKey(t testing.TB) (file string, signer ssh.Signer) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	must(t, err)
	signer, err = ssh.NewSignerFromKey(private)
	must(t, err)
	return writeFile(t, "key", string(pem.EncodeToMemory(block))), signer
}

func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// silentServer accepts connections and says nothing.
func silentServer(t testing.TB) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var conns sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				<-ctx.Done()
				conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		l.Close()
		conns.Wait()
	})
	return l.Addr().String()
}

// marshalKey is a public key as known_hosts files have it.
func marshalKey(key ssh.Signer) []byte {
	return bytes.TrimSpace(ssh.MarshalAuthorizedKey(key.PublicKey()))
}
