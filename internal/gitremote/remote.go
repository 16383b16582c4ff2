package gitremote

import (
	"cmp"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/internal/transport"
)

// Config says where a repository is and how its server is reached. Files with
// credentials are read again for each session.
type Config struct {
	URL string // as in Location

	Username          string    // for https
	PasswordFile      string    // for https: a password or a token
	GitHubApp         GitHubApp // for https, in place of a password; none if zero
	CAFile            string    // for https: certificates in PEM to trust besides the system's
	SSHKeyFile        string    // for ssh: a private key
	SSHPassphraseFile string    // for ssh: of the key, if it has one
	KnownHostsFile    string    // for ssh: the keys of hosts; required

	StaleAfter time.Duration     // see transport.StaleAfter, which is meant by 0
	PlainHosts secret.PlainHosts // that a password or a token may be sent to over http
	Logger     *slog.Logger
}

// New checks the configuration. It does not connect.
func New(c Config) (Remote, error) {
	at, err := parseLocation(c.URL)
	if err != nil {
		return nil, err
	}
	if c.GitHubApp.set() && at.scheme != "https" && at.scheme != "http" {
		return nil, errors.New("a GitHub App is for https: write the source as https://host/owner/repository.git")
	}
	switch at.scheme {
	case "ssh":
		return newSSH(at, &c)
	case "file":
		return &localRemote{path: at.path}, nil
	default:
		return newHTTP(at, &c)
	}
}

func newSSH(at address, c *Config) (Remote, error) {
	if c.SSHKeyFile == "" {
		return nil, errors.New("an ssh source needs the file of a private key")
	}
	if c.KnownHostsFile == "" {
		return nil, errors.New("an ssh source needs a known_hosts file: get the host's key with ssh-keyscan, and compare it with what the host's owner publishes")
	}
	return &sshRemote{
		address: at, keyFile: c.SSHKeyFile, passphraseFile: c.SSHPassphraseFile, knownHosts: c.KnownHostsFile, log: c.Logger,
		staleAfter: cmp.Or(c.StaleAfter, transport.StaleAfter),
	}, nil
}

func newHTTP(at address, c *Config) (Remote, error) {
	h := &httpRemote{url: at.url, user: cmp.Or(c.Username, "git"), passwordFile: c.PasswordFile, caFile: c.CAFile, staleAfter: c.StaleAfter, log: c.Logger}
	if c.GitHubApp.set() {
		if err := c.GitHubApp.check(c.PlainHosts); err != nil {
			return nil, err
		}
		if c.PasswordFile != "" {
			return nil, errors.New("a GitHub App needs no password file: name one of the two")
		}
		h.app = &appTokens{app: c.GitHubApp, log: c.Logger}
	}
	if h.app == nil && h.passwordFile == "" {
		return h, nil
	}
	u, err := url.Parse(at.url)
	if err == nil {
		err = c.PlainHosts.Check(u)
	}
	if err != nil {
		return nil, err
	}
	return h, nil
}
