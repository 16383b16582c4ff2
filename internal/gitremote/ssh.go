package gitremote

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/internal/gitremote/wire"
	"github.com/wedatasync/wedatasync/internal/transport"
)

// sshRemote reads a repository over ssh. It is not go-git's transport: that one
// obeys no context while it shakes hands, and reads the user's own ssh
// configuration and agent.
type sshRemote struct {
	address
	keyFile        string
	passphraseFile string
	knownHosts     string
	staleAfter     time.Duration // without an answer, until the host is taken to be gone
	log            *slog.Logger

	hosts knownHosts
	odd   string // what was last said of a certificate that cannot be used
	memory
}

// Check reads the files that a session will need.
func (s *sshRemote) Check() error {
	_, _, err := s.config()
	return err
}

// Secrets returns none: a key is never repeated.
func (*sshRemote) Secrets() []string { return nil }
func (*sshRemote) Denied()           {}
func (*sshRemote) CloseIdle()        {}

func (s *sshRemote) connect(ctx context.Context) (session, error) {
	config, host, err := s.config()
	if err != nil {
		return nil, err
	}
	conn, err := transport.Dialer().DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(handshakeWithin)) // one that cannot be set is one that has ended
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	hangUp := func() error {
		stop()
		return conn.Close()
	}
	c, channels, requests, err := ssh.NewClientConn(conn, s.addr, config)
	if err != nil {
		return nil, errors.Join(s.handshakeError(ctx, err, host), quiet(hangUp()))
	}
	_ = conn.SetDeadline(time.Time{})
	client := ssh.NewClient(c, channels, requests)
	st, err := s.start(client)
	if err != nil {
		return nil, errors.Join(err, quiet(hangUp()))
	}
	watched, unwatch := context.WithCancel(ctx)
	go keepAlive(watched, client, s.staleAfter/2, func() { st.errors.gone.Store(true) })
	st.close = func() error {
		defer stop()
		unwatch()
		return quiet(client.Close())
	}
	return st, nil
}

// handshakeWithin bounds the time until the host has let us in.
const handshakeWithin = 30 * time.Second

// keepAlive ends a connection whose other end is gone, as ssh does with ServerAliveInterval:
// a host that is there answers, also while it has nothing to send.
func keepAlive(ctx context.Context, c ssh.Conn, every time.Duration, gone func()) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var asked chan struct{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case <-asked: // and it has answered; nil: it was not asked yet
		default:
			if asked != nil {
				gone()
				c.Close()
				return
			}
		}
		answered := make(chan struct{})
		asked = answered
		go func() {
			defer close(answered)
			_, _, _ = c.SendRequest("keepalive@openssh.com", true, nil) // whatever the answer, there is one
		}()
	}
}

// start runs git-upload-pack on the other side.
func (s *sshRemote) start(client *ssh.Client) (*stream, error) {
	channel, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	// A server that does not accept it greets in version 0, so that nothing waits for a reply.
	if _, err := channel.SendRequest("env", false, ssh.Marshal(struct{ Name, Value string }{wire.Env, wire.Version2})); err != nil {
		return nil, err
	}
	said := new(tail)
	channel.Stderr = said
	in, err := channel.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := channel.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := channel.Start("git-upload-pack " + shellQuote(s.path)); err != nil {
		return nil, err
	}
	return &stream{in: in, out: bufio.NewReader(out), errors: said, wait: channel.Wait}, nil
}

// hostCheck is what came of the key that the host has shown.
type hostCheck struct {
	shown bool
	err   error // why it is not trusted; nil if it is
}

// config reads the key and the known hosts. host is filled when the host has shown
// its key.
func (s *sshRemote) config() (config *ssh.ClientConfig, host *hostCheck, err error) {
	signer, err := s.signer()
	if err != nil {
		return nil, nil, err
	}
	hosts, err := s.hosts.read(s.knownHosts, s.log)
	if err != nil {
		return nil, nil, &Error{Kind: ErrHostKey, Detail: "known_hosts", Err: err, Hint: s.howToTrust()}
	}
	host = &hostCheck{}
	check := hosts.HostKeyCallback()
	return &ssh.ClientConfig{
		User:              cmp.Or(s.user, "git"),
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(s.certified(signer)...)},
		HostKeyAlgorithms: hosts.HostKeyAlgorithms(s.addr),
		HostKeyCallback: func(name string, addr net.Addr, key ssh.PublicKey) error {
			host.shown, host.err = true, check(name, addr, key)
			return host.err
		},
	}, host, nil
}

func (s *sshRemote) howToTrust() string {
	return "set --known-hosts-file to a file with the host's key, from ssh-keyscan, compared with what the host's owner publishes"
}

func (s *sshRemote) signer() (ssh.Signer, error) {
	key, err := readSecret("--ssh-key-file", s.keyFile, s.log)
	if err != nil {
		return nil, &Error{Kind: ErrAuth, Detail: "ssh key", Err: err}
	}
	signer, err := ssh.ParsePrivateKey([]byte(key + "\n"))
	if _, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok && s.passphraseFile != "" {
		var passphrase string
		if passphrase, err = readSecret("--ssh-passphrase-file", s.passphraseFile, s.log); err == nil {
			signer, err = ssh.ParsePrivateKeyWithPassphrase([]byte(key+"\n"), []byte(passphrase))
		}
	}
	if err != nil {
		return nil, &Error{
			Kind: ErrAuth, Detail: "ssh key " + s.keyFile, Err: err,
			Hint: "set --ssh-key-file to a private key that ssh can use, and --ssh-passphrase-file if it has a passphrase",
		}
	}
	return signer, nil
}

// certified returns the key, after it with the certificate that is beside it, where ssh
// looks for one: KEY-cert.pub.
func (s *sshRemote) certified(key ssh.Signer) []ssh.Signer {
	const most = 64 << 10
	path := s.keyFile + "-cert.pub"
	text, err := file.Read("--ssh-key-file", path, most)
	if errors.Is(err, fs.ErrNotExist) {
		return []ssh.Signer{key}
	}
	var public ssh.PublicKey
	if err == nil {
		public, _, _, _, err = ssh.ParseAuthorizedKey(text)
	}
	cert, ok := public.(*ssh.Certificate)
	if err == nil && !ok {
		err = errors.New("it holds no certificate")
	}
	var signer ssh.Signer
	if err == nil {
		signer, err = ssh.NewCertSigner(cert, key)
	}
	if err != nil {
		if said := err.Error(); said != s.odd {
			s.odd = said
			s.log.Warn("the certificate of an ssh key cannot be used: the key is used without one", "file", path, "error", err)
		}
		return []ssh.Signer{key}
	}
	s.odd = ""
	return []ssh.Signer{signer, key}
}

// handshakeError tells an unknown host from an unwelcome key.
func (s *sshRemote) handshakeError(ctx context.Context, err error, host *hostCheck) error {
	_, isNet := errors.AsType[net.Error](err)
	negotiation, noCommon := errors.AsType[*ssh.AlgorithmNegotiationError](err)
	switch {
	case ctx.Err() != nil:
		return err
	case knownhosts.IsHostKeyChanged(err):
		return &Error{
			Kind: ErrHostKey, Err: err,
			Hint: "the host shows another key than the one in known_hosts: if its owner has changed it, replace the line, else someone is in between",
		}
	case knownhosts.IsHostUnknown(err):
		return &Error{Kind: ErrHostKey, Err: err, Hint: s.howToTrust()}
	case host.err != nil:
		return &Error{Kind: ErrHostKey, Err: err, Hint: s.howToTrust()}
	case noCommon && negotiation.What == "host key":
		return &Error{Kind: ErrHostKey, Err: err, Hint: "the host may have no key of a kind that known_hosts has: " + s.howToTrust()}
	case host.shown && !isNet && strings.Contains(err.Error(), "unable to authenticate"):
		return &Error{Kind: ErrAuth, Err: err, Hint: fmt.Sprintf("the host knows this key not for the user %q: add its public key there", cmp.Or(s.user, "git"))}
	default:
		return &Error{Kind: ErrUnreachable, Err: err}
	}
}

// quiet drops the error of closing what is closed already.
func quiet(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// shellQuote makes one word of a path for the shell on the other side.
func shellQuote(path string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(path) + "'"
}
