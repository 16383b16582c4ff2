package gitremote

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"github.com/wedatasync/wedatasync/internal/file"
)

// maxKnownHosts bounds a file of known hosts, in bytes.
const maxKnownHosts = 4 << 20

// knownHosts reads a file of known hosts, again for each session.
type knownHosts struct {
	said []int // the lines that the log was last told of
}

// read reads the file as ssh does: a line that is malformed, or of a kind of key that is not
// known here, is of no use, and takes no other with it. A malformed line about a revoked key
// does: without it the key would be trusted.
func (k *knownHosts) read(path string, log *slog.Logger) (*knownhosts.HostKeyDB, error) {
	data, err := file.Read("--known-hosts-file", path, maxKnownHosts)
	if err != nil {
		return nil, err
	}
	var odd []int
	for i, line := range bytes.Split(data, []byte("\n")) {
		if wellFormed(line) {
			continue
		}
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte("@revoked")) {
			return nil, fmt.Errorf("read %s:%d: the line about a revoked key is malformed", path, i+1)
		}
		odd = append(odd, i+1)
	}
	if odd != nil && !slices.Equal(odd, k.said) {
		log.Warn("lines of known_hosts are malformed, or of a kind of key that is not known, and do not count", "file", path, "lines", odd[:min(len(odd), 10)])
	}
	k.said = odd
	return knownhosts.NewDB(path) // the library reads files by their names
}

// wellFormed reports whether the library reads a line, which it does not tell.
func wellFormed(line []byte) bool {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '#' {
		return true
	}
	marker, hosts, _, _, _, err := ssh.ParseKnownHosts(line)
	return err == nil && slices.Contains([]string{"", "cert-authority", "revoked"}, marker) && !slices.ContainsFunc(hosts, oddHost)
}

// oddHost reports whether the library would not take the name of a host.
func oddHost(host string) bool {
	if parts := strings.Split(host, "|"); len(parts) > 1 { // hashed: |1|salt|hash
		ok := len(parts) == 4 && parts[0] == "" && parts[1] == "1"
		for _, part := range parts[2:] {
			_, err := base64.StdEncoding.DecodeString(part)
			ok = ok && err == nil
		}
		return !ok
	}
	host = strings.TrimPrefix(host, "!")
	_, _, err := net.SplitHostPort(host)
	return host == "" || host[0] == '[' && err != nil
}
