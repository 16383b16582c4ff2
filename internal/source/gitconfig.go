package source

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/internal/text"
)

// GitConfig says where a git repository is and how to read it. Files with
// credentials are read again at each use.
type GitConfig struct {
	// URL is an https, http, ssh or file URL, [user@]host:path, or a path on this
	// machine. It must not hold a password.
	URL    string
	Branch string // a name, or a full one such as refs/heads/main; "main" if empty
	Path   string // of the folder with the specs, slash-separated; the root if empty or "."
	// Mirror is the folder for a copy of the repository, which is kept and belongs
	// to this source alone. If empty, a temporary one is used.
	Mirror string

	Username          string    // for https; "git" if empty, which suits tokens
	PasswordFile      string    // for https: a password or a token
	GitHubApp         GitHubApp // for https, in place of a password; none if zero
	CAFile            string    // for https: certificates in PEM to trust besides the system's
	SSHKeyFile        string    // for ssh: a private key
	SSHPassphraseFile string    // for ssh: of the key, if it has one
	KnownHostsFile    string    // for ssh: the keys of hosts; required

	PlainHosts secret.PlainHosts // that a password or a token may be sent to over http

	Verify             Verify // which commits have to be signed; VerifyOff if empty
	PGPKeysFile        string // armored public keys that may sign
	AllowedSignersFile string // keys of SSH that may sign, as ssh-keygen(1) has them
	RevokedKeysFile    string // public keys of SSH that may not, whatever the other says
	// Since is the commit that was taken over last, if any. Pending is one after it that was
	// read and not taken over. As long as the newest is not verified, the newer of the two
	// that is stands.
	Since, Pending string
	// Verified is the newest commit that has counted; Since if empty. VerifyStrict looks at
	// those that came after it.
	Verified string
	// Trusted are commits that count, with all that led to them, whoever has signed them.
	Trusted []string

	Timeout      time.Duration // of one poll's conversation; 1 minute if zero
	CloneTimeout time.Duration // of the first, which fetches everything; 10 minutes if zero
	MaxPack      int64         // bytes that one conversation may fetch; 1 GiB if zero

	Logger *slog.Logger // nil: no logs
}

// branchRef returns the full name of a branch.
func branchRef(name string) (plumbing.ReferenceName, error) {
	ref := plumbing.ReferenceName(cmp.Or(name, "main"))
	if !strings.HasPrefix(ref.String(), "refs/") {
		ref = plumbing.NewBranchReferenceName(ref.String())
	}
	if !ref.IsBranch() || ref.Validate() != nil || !filepath.IsLocal(filepath.FromSlash(ref.String())) {
		return "", fmt.Errorf("%q is not the name of a branch: write main, or refs/heads/main", text.OneLine(name, 100))
	}
	return ref, nil
}

// cleanPath checks the path of a folder in a repository.
func cleanPath(p string) (string, error) {
	clean := path.Clean(cmp.Or(filepath.ToSlash(p), "."))
	if !fs.ValidPath(clean) {
		return "", fmt.Errorf("the path %q is not a folder below the root: write it without .. and a slash in front", text.OneLine(p, 100))
	}
	return clean, nil
}

func (g *Git) connector() (connector, error) {
	at, err := parseRemote(g.config.URL)
	if err != nil {
		return nil, err
	}
	if g.config.GitHubApp.set() && at.scheme != "https" && at.scheme != "http" {
		return nil, errors.New("a GitHub App is for https: write the source as https://host/owner/repository.git")
	}
	switch at.scheme {
	case "ssh":
		if g.config.SSHKeyFile == "" {
			return nil, errors.New("an ssh source needs the file of a private key")
		}
		if g.config.KnownHostsFile == "" {
			return nil, errors.New("an ssh source needs a known_hosts file: get the host's key with ssh-keyscan, and compare it with what the host's owner publishes")
		}
		return &sshGit{at, g.branch, g.config.SSHKeyFile, g.config.SSHPassphraseFile, g.config.KnownHostsFile, g.log}, nil
	case "file":
		return localGit{at.path, g.branch}, nil
	}
	web := &httpGit{url: at.url, branch: g.branch, user: cmp.Or(g.config.Username, "git"), passwordFile: g.config.PasswordFile, caFile: g.config.CAFile, log: g.log}
	if g.config.GitHubApp.set() {
		if err := g.config.GitHubApp.check(g.config.PlainHosts); err != nil {
			return nil, err
		}
		if g.config.PasswordFile != "" {
			return nil, errors.New("a GitHub App needs no password file: name one of the two")
		}
		web.app = &appTokens{app: g.config.GitHubApp, log: g.log}
	}
	if web.app != nil || web.passwordFile != "" {
		u, err := url.Parse(at.url)
		if err == nil {
			err = g.config.PlainHosts.Check(u)
		}
		if err != nil {
			return nil, err
		}
	}
	return web, nil
}
