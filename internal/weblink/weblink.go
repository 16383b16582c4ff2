package weblink

import (
	"errors"
	"io/fs"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/spec"
)

// Links knows where the pages are. The zero Links knows none.
type Links struct {
	kind    forge.Kind
	base    string // of the repository, without a slash at the end; empty if that is not known
	folder  string // of the specs in it
	console string // a template; empty if it was not given
}

// Settings are what addresses are built from.
type Settings struct {
	Source  string     // the URL of the git repository, or a folder
	Folder  string     // of the specs in it
	Kind    forge.Kind // of the repository's forge; empty: as far as its host tells
	Console string     // see CheckConsole; may be empty
}

// hosts are those that tell which forge they are.
var hosts = map[string]forge.Kind{
	"github.com": forge.GitHub, "gitlab.com": forge.GitLab, "gitea.com": forge.Gitea, "codeberg.org": forge.Gitea,
}

// New returns the links that the settings allow.
func New(s Settings) Links {
	l := Links{folder: path.Clean("/" + s.Folder)[1:]}
	if CheckConsole(s.Console) == nil {
		l.console = s.Console
	}
	if u := webURL(s.Source); u != nil {
		l.kind = s.Kind
		if l.kind == "" {
			l.kind = hosts[strings.ToLower(u.Hostname())]
		}
		l.base = strings.TrimSuffix(u.String(), "/")
	}
	return l
}

// webURL returns where people see the repository that git clones from the source, without
// userinfo; nil if that cannot be told.
func webURL(source string) *url.URL {
	if host, repository, ok := strings.Cut(source, ":"); ok && !strings.Contains(source, "://") && !strings.Contains(host, "/") {
		source = "ssh://" + host + "/" + strings.TrimPrefix(repository, "/")
	}
	u, err := url.Parse(source)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") == "" {
		return nil
	}
	web := &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), ".git")}
	switch u.Scheme {
	case "https", "http":
	case "ssh", "git+ssh":
		web.Scheme, web.Host = "https", u.Hostname() // the port is that of ssh
		if strings.Contains(web.Host, ":") {
			web.Host = "[" + web.Host + "]"
		}
	default:
		return nil
	}
	return web
}

// Commit returns the address of a commit.
func (l Links) Commit(revision string) string {
	switch {
	case !l.known(revision):
		return ""
	case l.kind == forge.GitLab:
		return l.base + "/-/commit/" + revision
	default:
		return l.base + "/commit/" + revision
	}
}

// Runs returns the address of the CI runs of a commit; on Gitea, which has no such page,
// empty.
func (l Links) Runs(revision string) string {
	switch {
	case !l.known(revision):
		return ""
	case l.kind == forge.GitHub:
		return l.base + "/commit/" + revision + "/checks"
	case l.kind == forge.GitLab:
		return l.base + "/-/commit/" + revision + "/pipelines"
	default:
		return ""
	}
}

// File returns the address of a line of a file of specs, as it is in a revision. A line
// below 1 is none.
func (l Links) File(revision, file string, line int) string {
	if !l.known(revision) || !fs.ValidPath(file) || file == "." {
		return ""
	}
	between := map[forge.Kind]string{forge.GitHub: "/blob/", forge.GitLab: "/-/blob/", forge.Gitea: "/src/commit/"}[l.kind]
	var steps []string
	for step := range strings.SplitSeq(path.Join(l.folder, file), "/") {
		steps = append(steps, url.PathEscape(step))
	}
	address := l.base + between + revision + "/" + strings.Join(steps, "/")
	if line > 0 {
		address += "#L" + strconv.Itoa(line)
	}
	return address
}

func (l Links) known(revision string) bool {
	return l.base != "" && l.kind != "" && forge.IsRevision(revision)
}

// The places of a task's ids in the template of the console.
const (
	projectID = "{projectId}"
	taskID    = "{taskId}"
)

// Task returns the address of a task in the WeData console.
func (l Links) Task(key spec.Key) string {
	if l.console == "" {
		return ""
	}
	return strings.NewReplacer(projectID, escape(key.ProjectID), taskID, escape(key.TaskID)).Replace(l.console)
}

// escape makes s one part of a URL, in a path as in a query.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// CheckConsole says what is wrong with a template of the console: it is a URL with {taskId},
// and where that is needed {projectId}, after the host.
func CheckConsole(template string) error {
	u, err := url.Parse(strings.NewReplacer(projectID, "1", taskID, "1").Replace(template))
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil:
		return errors.New("it is not a URL with https:// and a host")
	case !strings.Contains(template, taskID):
		return errors.New("it does not have {taskId} in it")
	}
	_, rest, _ := strings.Cut(template, "://")
	if host, _, _ := strings.Cut(rest, "/"); strings.ContainsAny(host, "{}?#") {
		return errors.New("{projectId} and {taskId} belong after the host and its slash")
	}
	return nil
}
