package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/gitremote"
)

// sshd is OpenSSH's server on loopback: each connection gets one of its own, as
// inetd would start it, so that there is none to stop.
type sshd struct {
	t    testing.TB
	dir  string
	addr string
	user string
	url  string

	mu   sync.Mutex
	wrap func(net.Conn) net.Conn // of what the client sees; nil: as it is
}

// bits are the lengths of keys by kind, the shortest that are still in use.
var bits = map[string]string{"ed25519": "256", "rsa": "2048", "ecdsa": "256"}

// startSSHD serves the repository to who has the user key.
func (r *repo) startSSHD(userKey string) *sshd {
	r.T.Helper()
	const path = "/usr/sbin/sshd"
	for _, tool := range []string{path, "ssh-keygen"} {
		if _, err := exec.LookPath(tool); err != nil {
			r.T.Skipf("%s is not installed (Debian: openssh-server)", tool)
		}
	}
	if os.Getuid() == 0 {
		must(r.T, os.MkdirAll("/run/sshd", 0o755)) // where it drops its privileges to
	}
	me, err := user.Current()
	must(r.T, err)
	s := &sshd{t: r.T, dir: r.T.TempDir(), user: me.Username}
	var config strings.Builder
	config.WriteString("UsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nAuthorizedKeysFile " + s.file("authorized") + "\nTrustedUserCAKeys " + s.file("ca.pub") + "\n")
	s.keygen("-q", "-t", "ed25519", "-N", "", "-f", s.file("ca"))
	for _, kind := range []string{"ed25519", "rsa", "ecdsa"} {
		s.keygen("-q", "-t", kind, "-b", bits[kind], "-N", "", "-C", kind, "-f", s.file(kind))
		config.WriteString("HostKey " + s.file(kind) + "\n")
	}
	s.keygen("-q", "-s", s.file("ca"), "-I", "host", "-h", "-n", "127.0.0.1", s.file("ed25519.pub"))
	config.WriteString("HostCertificate " + s.file("ed25519-cert.pub") + "\n")
	must(r.T, os.WriteFile(s.file("config"), []byte(config.String()), 0o600))
	must(r.T, os.WriteFile(s.file("authorized"), []byte(userKey+"\n"), 0o600))

	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(r.T, err)
	s.addr = l.Addr().String()
	s.url = "ssh://" + s.user + "@" + s.addr + r.Dir
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { s.serve(path, conn) })
		}
	})
	r.T.Cleanup(func() {
		l.Close()
		conns.Wait()
	})
	return s
}

func (s *sshd) file(name string) string { return filepath.Join(s.dir, name) }

func (s *sshd) keygen(args ...string) {
	s.t.Helper()
	if out, err := exec.Command("ssh-keygen", args...).CombinedOutput(); err != nil {
		s.t.Fatalf("ssh-keygen %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// through makes new connections go through what f makes of them; nil: no more.
func (s *sshd) through(f func(net.Conn) net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrap = f
}

func (s *sshd) serve(path string, conn net.Conn) {
	defer conn.Close()
	s.mu.Lock()
	wrap := s.wrap
	s.mu.Unlock()
	seen := conn
	if wrap != nil {
		seen = wrap(conn)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return
	}
	defer l.Close()
	ours, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return
	}
	defer ours.Close()
	its, err := l.Accept()
	if err != nil {
		return
	}
	socket, err := its.(*net.TCPConn).File()
	its.Close()
	if err != nil {
		return
	}
	cmd := exec.Command(path, "-i", "-e", "-f", s.file("config"))
	cmd.Stdin, cmd.Stdout = socket, socket
	err = cmd.Start()
	socket.Close()
	if err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(ours, conn)
		ours.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(seen, ours)
	conn.Close()
	ours.Close()
	_ = cmd.Wait()
}

// knows writes a known_hosts file with one of the server's keys.
func (s *sshd) knows(kind string) string {
	s.t.Helper()
	return writeFile(s.t, "known_hosts", s.line("", kind))
}

func (s *sshd) line(marker, kind string) string {
	s.t.Helper()
	key, err := os.ReadFile(s.file(kind + ".pub"))
	must(s.t, err)
	return strings.TrimSpace(marker+" ["+strings.Replace(s.addr, ":", "]:", 1)+" "+string(key)) + "\n"
}

func TestSSHD(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	userKey, key := newKey(t)
	server := r.startSSHD(string(marshalKey(key)))
	config := GitConfig{URL: server.url, SSHKeyFile: userKey, KnownHostsFile: server.knows("ed25519")}

	g := r.open(config)
	wantSaid(t, poll(t, g), "a v1 a.yaml")
	r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
	wantSaid(t, poll(t, g), "a v2 a.yaml")

	keys := make(map[string]string) // by kind
	for _, kind := range []string{"ed25519", "rsa", "ecdsa"} {
		keys[kind] = filepath.Join(t.TempDir(), "user-"+kind)
		server.keygen("-q", "-t", kind, "-b", bits[kind], "-a", "1", "-N", "open sesame", "-f", keys[kind])
		public, err := os.ReadFile(keys[kind] + ".pub")
		must(t, err)
		file, err := os.OpenFile(server.file("authorized"), os.O_APPEND|os.O_WRONLY, 0)
		must(t, err)
		_, err = file.Write(public)
		must(t, errors.Join(err, file.Close()))
	}
	hashed := server.knows("ed25519")
	server.keygen("-q", "-H", "-f", hashed)
	sesame := writeFile(t, "passphrase", "open sesame\n")
	strangerKey, _ := newKey(t)
	hosts := func(lines ...string) func(*GitConfig) {
		return func(c *GitConfig) { c.KnownHostsFile = writeFile(t, "known_hosts", strings.Join(lines, "")) }
	}
	locked := func(kind string) func(*GitConfig) {
		return func(c *GitConfig) { c.SSHKeyFile, c.SSHPassphraseFile = keys[kind], sesame }
	}
	// certified makes a key that the server knows only by a certificate.
	certified := func(args []string) func(*GitConfig) {
		return func(c *GitConfig) {
			c.SSHKeyFile = filepath.Join(t.TempDir(), "key")
			server.keygen("-q", "-t", "ed25519", "-N", "", "-f", c.SSHKeyFile)
			server.keygen(slices.Concat([]string{"-q", "-s", server.file("ca"), "-I", "user", "-n", server.user}, args, []string{c.SSHKeyFile + ".pub"})...)
		}
	}
	knownWithCertificate := filepath.Join(t.TempDir(), "key")
	text, err := os.ReadFile(userKey)
	must(t, err)
	must(t, os.WriteFile(knownWithCertificate, text, 0o600))
	must(t, os.WriteFile(knownWithCertificate+".pub", append(marshalKey(key), '\n'), 0o600))
	server.keygen("-q", "-s", server.file("rsa"), "-I", "user", "-n", server.user, knownWithCertificate+".pub")
	tests := []struct {
		name   string
		change func(c *GitConfig)
		kind   error
		say    string
	}{
		{"an RSA host key", func(c *GitConfig) { c.KnownHostsFile = server.knows("rsa") }, nil, ""},
		{"an ECDSA host key", func(c *GitConfig) { c.KnownHostsFile = server.knows("ecdsa") }, nil, ""},
		{"all of its host keys", hosts(server.line("", "rsa"), server.line("", "ecdsa"), server.line("", "ed25519")), nil, ""},
		{"a hashed known_hosts", func(c *GitConfig) { c.KnownHostsFile = hashed }, nil, ""},
		{"an authority for hosts", hosts(server.line("@cert-authority", "ca")), nil, ""},
		{"a user key in RSA with a passphrase", locked("rsa"), nil, ""},
		{"a user key in ECDSA with a passphrase", locked("ecdsa"), nil, ""},
		{"a user key in Ed25519 with a passphrase", locked("ed25519"), nil, ""},

		{"another host key", hosts(server.line("", "ca")), gitremote.ErrHostKey, "someone is in between"},
		{"a revoked host key", hosts(server.line("@revoked", "ed25519"), server.line("", "ed25519")), gitremote.ErrHostKey, "revoked"},
		{"an authority that did not sign", hosts(server.line("@cert-authority", "rsa")), gitremote.ErrHostKey, ""},
		{"an unknown host", hosts("[127.0.0.1]:1 " + strings.SplitN(server.line("", "ed25519"), " ", 2)[1]), gitremote.ErrHostKey, "ssh-keyscan"},
		{"malformed lines beside it", hosts("127.0.0.1 ssh-ed25519\n", "|1|x|y "+strings.SplitN(server.line("", "rsa"), " ", 2)[1], "[x "+strings.SplitN(server.line("", "rsa"), " ", 2)[1], "what\n", "@new "+server.line("", "rsa"), server.line("", "ed25519")), nil, ""},
		{"nothing but a malformed line", hosts("127.0.0.1 ssh-ed25519\n"), gitremote.ErrHostKey, "ssh-keyscan"},
		{"a malformed line about a revoked key", hosts("@revoked 127.0.0.1 ssh-ed25519\n", server.line("", "ed25519")), gitremote.ErrHostKey, "known_hosts:1"},
		{"a certificate beside the key", certified(nil), nil, ""},
		{"one that has ended", certified([]string{"-V", "20200101:20200102"}), gitremote.ErrAuth, "add its public key"},
		{"one of another authority, and a key that is known", func(c *GitConfig) { c.SSHKeyFile = knownWithCertificate }, nil, ""},
		{"another user key", func(c *GitConfig) { c.SSHKeyFile = strangerKey }, gitremote.ErrAuth, "add its public key"},
		{"another user", func(c *GitConfig) { c.URL = strings.Replace(c.URL, "ssh://"+server.user, "ssh://nobody-here", 1) }, gitremote.ErrAuth, "nobody-here"},
		{"no passphrase", func(c *GitConfig) { c.SSHKeyFile = keys["ed25519"] }, gitremote.ErrAuth, "passphrase"},
		{"another passphrase", func(c *GitConfig) { locked("rsa")(c); c.SSHPassphraseFile = userKey }, gitremote.ErrAuth, "passphrase"},
		{"no repository", func(c *GitConfig) { c.URL += "x" }, gitremote.ErrNoRepository, "does not appear to be a git repository"},
		{"a path that is a command", func(c *GitConfig) { c.URL += "'; touch " + filepath.Join(t.TempDir(), "x") + " #" }, gitremote.ErrNoRepository, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := config
			test.change(&c)
			g := r.open(c)
			if test.kind == nil {
				wantSaid(t, poll(t, g), "a v2 a.yaml")
				return
			}
			wantError(t, g, test.kind, test.say)
		})
	}
}

// TestSSHD_SaysWhatDoesNotCount: a line of known_hosts and a certificate that cannot be used
// are named in the log, once.
func TestSSHD_SaysWhatDoesNotCount(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	userKey, key := newKey(t)
	server := r.startSSHD(string(marshalKey(key)))
	must(t, os.WriteFile(userKey+"-cert.pub", marshalKey(key), 0o600))
	hosts := writeFile(t, "known_hosts", "# mine\nwhat\n"+server.line("", "ed25519"))
	var said bytes.Buffer
	g := r.open(GitConfig{URL: server.url, SSHKeyFile: userKey, KnownHostsFile: hosts, Logger: slog.New(slog.NewTextHandler(&said, nil))})
	for range 3 {
		wantSaid(t, poll(t, g), "a v1 a.yaml")
	}
	for _, want := range []string{"lines=[2]", "-cert.pub"} {
		if strings.Count(said.String(), want) != 1 {
			t.Errorf("the log does not say %s once:\n%s", want, &said)
		}
	}
}

// stalling lets the first bytes of a server through, and then nothing, or its end.
type stalling struct {
	net.Conn
	left   int
	reset  bool
	forget <-chan struct{} // when to stop waiting
}

func (s *stalling) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p[:min(len(p), s.left)])
	if s.left -= n; err != nil || n == len(p) {
		return n, err
	}
	if s.reset {
		_ = s.Conn.(*net.TCPConn).SetLinger(0)
		s.Conn.Close()
	}
	<-s.forget
	return n, io.ErrClosedPipe
}

// Wherever in the conversation a server falls silent or is gone, before its banner,
// in the key exchange, after the login or in the pack, the poll ends in time.
func TestSSHDStalls(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	userKey, key := newKey(t)
	server := r.startSSHD(string(marshalKey(key)))
	config := GitConfig{URL: server.url, SSHKeyFile: userKey, KnownHostsFile: server.knows("ed25519")}
	g := r.open(config)
	var said int
	server.through(func(c net.Conn) net.Conn { return counting{c, &said} })
	before := poll(t, g)
	noise := make([]byte, 64<<10)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	r.Commit(map[string]string{"a.yaml": specOf("a", 2), "noise.bin": string(noise)})
	all := said + 64<<10 // what the server says in a poll with the news, about

	forget := make(chan struct{})
	defer close(forget)
	places := []int{0, 10, 1200, said - 600, said + 2000, all - 20<<10}
	if *long {
		places = nil
		for at := 0; at < all; at += all / 100 {
			places = append(places, at)
		}
	}
	for _, reset := range []bool{false, true} {
		for _, at := range places {
			t.Run(fmt.Sprintf("reset=%v after %d bytes", reset, at), func(t *testing.T) {
				server.through(func(c net.Conn) net.Conn { return &stalling{c, at, reset, forget} })
				g.config.Timeout = 700 * time.Millisecond
				start := time.Now()
				rev, err := g.Poll(t.Context())
				if rev != nil || err == nil || !reset && !errors.Is(err, gitremote.ErrUnreachable) {
					t.Errorf("the poll gave %v, %v", rev, err)
				}
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("it took %v", took)
				}
				wantSaid(t, before, "a v1 a.yaml")
			})
		}
	}
	server.through(nil)
	g.config.Timeout = time.Minute
	wantSaid(t, poll(t, g), "a v2 a.yaml")
}

// counting counts what a server says.
type counting struct {
	net.Conn
	bytes *int
}

func (c counting) Write(p []byte) (int, error) {
	*c.bytes += len(p)
	return c.Conn.Write(p)
}
