package gitremote

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/wedatasync/wedatasync/internal/text"
)

// Redact returns a location for logs, errors and the state's lineage: without
// user, password, query and fragment. A path stays as it is.
func Redact(location string) string {
	scheme, _, isURL := strings.Cut(location, "://")
	if !isURL {
		place, _, _ := strings.Cut(location, "/")
		if i := strings.LastIndex(place, "@"); i >= 0 && strings.Contains(place, ":") {
			location = location[i+1:]
		}
		return text.OneLine(location, maxCause)
	}
	u, err := url.Parse(location)
	if err != nil || u.Scheme == "" || u.Host == "" && u.Scheme != "file" {
		if strings.ContainsFunc(scheme, notOfScheme) {
			scheme = "" // user:password@host:// is none
		}
		return text.OneLine(scheme, 16) + "://(unreadable)"
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	return text.OneLine(u.String(), maxCause)
}

func notOfScheme(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("+-.", r)
}

// address is where a repository is.
type address struct {
	scheme string // https, http, ssh or file
	user   string // for ssh
	addr   string // host:port, for ssh
	path   string // for ssh and file
	url    string // for https and http
}

// errUserinfo does not repeat the URL: a password may be anywhere in it.
var errUserinfo = errors.New("a URL must not hold a password or token: put it into a file and name the file")

// parseLocation reads a URL, host:path, or the path of a repository on this machine.
func parseLocation(location string) (address, error) {
	if r, ok := scpLike(location); ok {
		if place, _, _ := strings.Cut(r.path, "/"); r.user == "" && strings.Contains(place, "@") {
			return address{}, errUserinfo // user:password@host:path
		}
		return r, nil
	}
	if !strings.Contains(location, "://") {
		path, err := filepath.Abs(location)
		return address{scheme: "file", path: path}, err
	}
	u, err := url.Parse(location)
	if err != nil {
		return address{}, errors.New("the source is not a valid URL")
	}
	_, password := u.User.Password()
	switch {
	case password, u.User != nil && u.Scheme != "ssh":
		return address{}, errUserinfo
	case u.RawQuery != "" || u.Fragment != "":
		return address{}, errors.New("the URL of a repository must not have a query or a fragment")
	}
	switch u.Scheme {
	case "https", "http":
		if u.Host == "" {
			return address{}, errors.New("the URL names no host")
		}
		return address{scheme: u.Scheme, url: strings.TrimSuffix(u.String(), "/")}, nil
	case "ssh":
		path := u.Path
		if strings.HasPrefix(path, "/~") { // relative to a home directory, as git reads it
			path = path[1:]
		}
		if u.Host == "" || path == "" || path == "/" {
			return address{}, errors.New("the URL names no host or no path: write ssh://user@host/path")
		}
		return address{scheme: "ssh", user: u.User.Username(), addr: sshAddr(u.Hostname(), u.Port()), path: path}, nil
	case "file":
		if u.Host != "" && u.Host != "localhost" || u.Path == "" {
			return address{}, errors.New("the URL names no path on this machine: write file:///path")
		}
		return address{scheme: "file", path: filepath.FromSlash(u.Path)}, nil
	default:
		return address{}, fmt.Errorf("%q is not a scheme for a source: use https, ssh, http or file", text.OneLine(u.Scheme, 32))
	}
}

func sshAddr(host, port string) string {
	return net.JoinHostPort(strings.Trim(host, "[]"), cmp.Or(port, "22"))
}

// IsURL reports whether a location is a URL or host:path, and no path.
func IsURL(location string) bool {
	_, scp := scpLike(location)
	return scp || strings.Contains(location, "://")
}

// scpLike reads [user@]host:path, which git takes for ssh unless a slash comes
// before the colon. One letter before it is a drive.
func scpLike(location string) (address, bool) {
	if strings.Contains(location, "://") {
		return address{}, false
	}
	user, rest, ok := strings.Cut(location, "@")
	if !ok || strings.ContainsAny(user, `/\:`) {
		user, rest = "", location
	}
	end := strings.Index(rest, ":")
	if strings.HasPrefix(rest, "[") { // an IPv6 address has colons of its own
		end = strings.Index(rest, "]:") + 1
	}
	if end < 2 {
		return address{}, false
	}
	host, path := rest[:end], rest[end+1:]
	if strings.ContainsAny(host, `/\ `) || path == "" || strings.HasPrefix(path, "-") {
		return address{}, false
	}
	return address{scheme: "ssh", user: user, addr: sshAddr(host, ""), path: path}, true
}
