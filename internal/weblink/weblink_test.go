package weblink_test

import (
	"net/url"
	"testing"

	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/weblink"
	"github.com/wedatasync/wedatasync/spec"
)

const revision = "9fceb02d0ae598e95dc970b74767f19372d61af8"

// TestForges: each forge has its own addresses, and what does not tell one has none.
func TestForges(t *testing.T) {
	for _, tt := range []struct {
		name               string
		settings           weblink.Settings
		commit, runs, file string
	}{
		{
			"GitHub",
			weblink.Settings{Source: "https://user:secret@github.com/acme/tasks.git", Folder: "wedata"},
			"https://github.com/acme/tasks/commit/" + revision, "https://github.com/acme/tasks/commit/" + revision + "/checks",
			"https://github.com/acme/tasks/blob/" + revision + "/wedata/a%20b/%E8%AE%A2.yaml#L4",
		},
		{
			"GitLab by ssh",
			weblink.Settings{Source: "git@gitlab.example.com:data/team/tasks.git", Kind: forge.GitLab},
			"https://gitlab.example.com/data/team/tasks/-/commit/" + revision, "https://gitlab.example.com/data/team/tasks/-/commit/" + revision + "/pipelines",
			"https://gitlab.example.com/data/team/tasks/-/blob/" + revision + "/a%20b/%E8%AE%A2.yaml#L4",
		},
		{
			"Gitea",
			weblink.Settings{Source: "ssh://git@[::1]:2222/acme/tasks", Folder: ".", Kind: forge.Gitea},
			"https://[::1]/acme/tasks/commit/" + revision, "", "https://[::1]/acme/tasks/src/commit/" + revision + "/a%20b/%E8%AE%A2.yaml#L4",
		},
		{"another host", weblink.Settings{Source: "https://git.example.com/acme/tasks.git"}, "", "", ""},
		{"a folder", weblink.Settings{Source: "/srv/tasks", Kind: forge.GitHub}, "", "", ""},
		{"a script", weblink.Settings{Source: "javascript://github.com/x", Kind: forge.GitHub}, "", "", ""},
		{"nothing", weblink.Settings{}, "", "", ""},
	} {
		l := weblink.New(tt.settings)
		for _, c := range []struct{ got, want string }{
			{l.Commit(revision), tt.commit},
			{l.Runs(revision), tt.runs},
			{l.File(revision, "a b/订.yaml", 4), tt.file},
			{l.Commit("dir:9fce"), ""},
			{l.File(revision, "../x", 1), ""},
			{l.File(revision, "/etc/passwd", 1), ""},
		} {
			if c.got != c.want {
				t.Errorf("%s: %q, want %q", tt.name, c.got, c.want)
			}
		}
	}
}

// TestConsole: a task's ids are parts of the address, whatever they are.
func TestConsole(t *testing.T) {
	const template = "https://ap-guangzhou.wedata.example.com/ops/{taskId}?ProjectId={projectId}"
	l := weblink.New(weblink.Settings{Console: template})
	if got, want := l.Task(spec.Key{ProjectID: "1486", TaskID: "kb947"}), "https://ap-guangzhou.wedata.example.com/ops/kb947?ProjectId=1486"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	u, err := url.Parse(l.Task(spec.Key{ProjectID: "1&x=2#{taskId}", TaskID: "../../{projectId}?q"}))
	if err != nil || u.Host != "ap-guangzhou.wedata.example.com" || u.Query().Get("ProjectId") != "1&x=2#{taskId}" || len(u.Query()) != 1 || u.EscapedPath() != "/ops/..%2F..%2F%7BprojectId%7D%3Fq" {
		t.Errorf("the ids lead to %s: %v", u, err)
	}
	for _, wrong := range []string{
		"", "console.example.com/{taskId}", "javascript:alert({taskId})", "https://x.example.com/", "https://{taskId}.example.com/",
		"https://user@x.example.com/{taskId}", "https:///{taskId}", "https://x.example.com{taskId}/", "//x.example.com/{taskId}",
	} {
		if err := weblink.CheckConsole(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
		if got := weblink.New(weblink.Settings{Console: wrong}).Task(spec.Key{ProjectID: "1", TaskID: "2"}); got != "" {
			t.Errorf("%q leads to %q", wrong, got)
		}
	}
}
