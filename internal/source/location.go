package source

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile"
)

// Open opens the source that the location names: a git repository for a URL
// (https, http, ssh, file), for host:path, and for the path of a bare repository;
// else the folder of that path. Of the two configurations it uses the one that
// fits, with its location replaced.
func Open(location string, git GitConfig, folder FolderConfig) (reconcile.Source, error) {
	if IsGit(location) {
		git.URL = location
		return OpenGit(git)
	}
	if git.Verify != "" && git.Verify != VerifyOff {
		return nil, fmt.Errorf("open source %s: %w", Redact(location), errNoSignatures)
	}
	info, err := os.Stat(location)
	switch {
	case err != nil:
		return nil, &Error{
			Kind: ErrNoFolder, Source: Redact(location), Err: err,
			Hint: "name an existing folder, or a URL such as https://host/repository.git",
		}
	case !info.IsDir():
		return nil, &Error{Kind: ErrNoFolder, Source: location, Detail: "it is a file", Hint: "name the folder it is in"}
	}
	folder.Dir = location
	return OpenFolder(folder)
}

// IsGit reports whether Open takes the location for a git repository.
func IsGit(location string) bool { return isURL(location) || isRepository(location) }

// isRepository reports whether the folder is a bare repository, and no part of a
// checkout: whoever writes what is checked out could put a repository of his own into
// it, with branches as he likes.
func isRepository(dir string) bool {
	if !isBare(dir) {
		return false
	}
	tracked, err := Tracked(dir, filepath.Join(dir, "HEAD"), false)
	return err == nil && !tracked
}

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

// remote is where a repository is.
type remote struct {
	scheme string // https, http, ssh or file
	user   string // for ssh
	addr   string // host:port, for ssh
	path   string // for ssh and file
	url    string // for https and http
}

// errUserinfo does not repeat the URL: a password may be anywhere in it.
var errUserinfo = errors.New("a URL must not hold a password or token: put it into a file and name the file")

// parseRemote reads a URL, host:path, or the path of a repository on this machine.
func parseRemote(location string) (remote, error) {
	if r, ok := scpLike(location); ok {
		if place, _, _ := strings.Cut(r.path, "/"); r.user == "" && strings.Contains(place, "@") {
			return remote{}, errUserinfo // user:password@host:path
		}
		return r, nil
	}
	if !strings.Contains(location, "://") {
		path, err := filepath.Abs(location)
		return remote{scheme: "file", path: path}, err
	}
	u, err := url.Parse(location)
	if err != nil {
		return remote{}, errors.New("the source is not a valid URL")
	}
	_, password := u.User.Password()
	switch {
	case password, u.User != nil && u.Scheme != "ssh":
		return remote{}, errUserinfo
	case u.RawQuery != "" || u.Fragment != "":
		return remote{}, errors.New("the URL of a repository must not have a query or a fragment")
	}
	switch u.Scheme {
	case "https", "http":
		if u.Host == "" {
			return remote{}, errors.New("the URL names no host")
		}
		return remote{scheme: u.Scheme, url: strings.TrimSuffix(u.String(), "/")}, nil
	case "ssh":
		path := u.Path
		if strings.HasPrefix(path, "/~") { // relative to a home directory, as git reads it
			path = path[1:]
		}
		if u.Host == "" || path == "" || path == "/" {
			return remote{}, errors.New("the URL names no host or no path: write ssh://user@host/path")
		}
		return remote{scheme: "ssh", user: u.User.Username(), addr: sshAddr(u.Hostname(), u.Port()), path: path}, nil
	case "file":
		if u.Host != "" && u.Host != "localhost" || u.Path == "" {
			return remote{}, errors.New("the URL names no path on this machine: write file:///path")
		}
		return remote{scheme: "file", path: filepath.FromSlash(u.Path)}, nil
	default:
		return remote{}, fmt.Errorf("%q is not a scheme for a source: use https, ssh, http or file", text.OneLine(u.Scheme, 32))
	}
}

func sshAddr(host, port string) string {
	return net.JoinHostPort(strings.Trim(host, "[]"), cmp.Or(port, "22"))
}

// isURL reports whether a location is a URL or host:path, and no path.
func isURL(location string) bool {
	_, scp := scpLike(location)
	return scp || strings.Contains(location, "://")
}

// scpLike reads [user@]host:path, which git takes for ssh unless a slash comes
// before the colon. One letter before it is a drive.
func scpLike(location string) (remote, bool) {
	if strings.Contains(location, "://") {
		return remote{}, false
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
		return remote{}, false
	}
	host, path := rest[:end], rest[end+1:]
	if strings.ContainsAny(host, `/\ `) || path == "" || strings.HasPrefix(path, "-") {
		return remote{}, false
	}
	return remote{scheme: "ssh", user: user, addr: sshAddr(host, ""), path: path}, true
}

// isBare reports whether the folder is a bare git repository.
func isBare(dir string) bool {
	head, err := os.Lstat(filepath.Join(dir, "HEAD"))
	if err != nil || head.IsDir() {
		return false
	}
	for _, name := range []string{"objects", "refs"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}
