package source

import (
	"cmp"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitremote"
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
	// Shared is the mirror of another process. A temporary mirror reads what is there, and
	// only fetches what is not; nothing is written there, and no lock is taken. It need not
	// be there, or be of this source.
	Shared string

	Username          string              // for https; "git" if empty, which suits tokens
	PasswordFile      string              // for https: a password or a token
	GitHubApp         gitremote.GitHubApp // for https, in place of a password; none if zero
	CAFile            string              // for https: certificates in PEM to trust besides the system's
	SSHKeyFile        string              // for ssh: a private key
	SSHPassphraseFile string              // for ssh: of the key, if it has one
	KnownHostsFile    string              // for ssh: the keys of hosts; required

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
	StaleAfter   time.Duration // until a kept connection that does not answer is given up for a new one; 20 seconds if zero
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

// remote returns the way to the repository.
func (c *GitConfig) remote(log *slog.Logger) (gitremote.Remote, error) {
	return gitremote.New(gitremote.Config{
		URL: c.URL, Username: c.Username, PasswordFile: c.PasswordFile, GitHubApp: c.GitHubApp, CAFile: c.CAFile,
		SSHKeyFile: c.SSHKeyFile, SSHPassphraseFile: c.SSHPassphraseFile, KnownHostsFile: c.KnownHostsFile, StaleAfter: c.StaleAfter, PlainHosts: c.PlainHosts, Logger: log,
	})
}
