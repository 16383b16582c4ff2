package command_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/gitrepo"
	"github.com/wedatasync/wedatasync/internal/gitstore/gittest"
	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// checkout is a way to have a repository on disk. Its script runs in an empty folder, with
// $O for the repository that it is a clone of, and $P for a plain clone of that.
type checkout struct {
	name   string
	script string // makes w
	source string // "w/tasks" if empty
	base   string // "origin/main" if empty
	says   string // an expression for the error; empty: the plan is that of a plain clone
	cut    bool   // and it says that the history could not be searched to its beginning
}

// TestCheckouts plans in all kinds of checkouts. Each gives the plan that a plain full
// clone gives, or one sentence that says what to do; none gives another plan.
func TestCheckouts(t *testing.T) {
	t.Parallel()
	origin, plain := pullRequest(t)
	want := changesOf(t, filepath.Join(plain, "tasks"), "origin/main")
	if !strings.Contains(want, "orders") || strings.Contains(want, "later") || strings.Count(want, "\n") != 4 {
		t.Fatalf("in a plain clone the plan is\n%s", want)
	}
	var all []checkout
	for _, some := range [][]checkout{placed, named, partial, packed, configured()} {
		all = append(all, some...)
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			shell(t, dir, c.script, "O="+origin, "P="+plain)
			source, base := c.source, c.base
			if source == "" {
				source = "w/tasks"
			}
			if base == "" {
				base = "origin/main"
			}
			checkPlan(t, filepath.Join(dir, source), base, want, c.says, c.cut)
		})
	}
}

// TestCheckoutsOfHooks plans where git tells its hooks which repository it is.
func TestCheckoutsOfHooks(t *testing.T) {
	origin, plain := pullRequest(t)
	want := changesOf(t, filepath.Join(plain, "tasks"), "origin/main")
	for _, c := range []struct {
		name, script, in, source, base, says string
		env                                  []string
	}{
		{name: "in a clone", script: `cp -a $P w`, in: "w", source: "tasks", env: []string{"GIT_DIR=.git"}},
		{name: "with a work tree", script: `cp -a $P w; mkdir x`, in: "x", source: "../w/tasks", env: []string{"GIT_DIR=../w/.git", "GIT_WORK_TREE=../w"}},
		{name: "a work tree without .git", script: `git clone -q -b feature $O x; mkdir w; mv x/.git g; mv x/tasks w/`, in: "w", source: "tasks", env: []string{"GIT_DIR=../g"}},
		{name: "bare", script: `git clone -q --mirror $O w; git -C w symbolic-ref HEAD refs/heads/feature; git -C w worktree add -q ../x feature`, in: "x", source: "tasks", base: "main", env: []string{"GIT_DIR=../w/worktrees/x"}},
		{name: "bare, and a folder", script: `git clone -q --mirror $O w; git -C w symbolic-ref HEAD refs/heads/feature; mkdir tasks`, source: "tasks", base: "main", env: []string{"GIT_DIR=w"}, says: "GIT_DIR names a bare repository, which has no folder .*tasks: unset GIT_DIR, or set GIT_WORK_TREE"},
		{name: "another work tree", script: `cp -a $P w; cp -a $P x`, in: "w", source: "../x/tasks", env: []string{"GIT_DIR=.git"}, says: "x/tasks is not in the work tree of .*w/.git, which is .*w by GIT_DIR"},
		{name: "a work tree alone", script: `cp -a $P w; cp -a $P x`, in: "w", source: "tasks", env: []string{"GIT_WORK_TREE=../x"}, says: "repository not found: GIT_WORK_TREE is set, and GIT_DIR is not: set both, or neither"},
		{name: "no repository", script: `cp -a $P w`, in: "w", source: "tasks", env: []string{"GIT_DIR=nowhere"}, says: "repository not found: GIT_DIR: not a git repository: .*nowhere"},
		{
			name: "objects that were pushed and not accepted yet", in: "w", source: "tasks",
			script: `cp -a $P w; cd w; mkdir -p $PWD/../q; mv .git/objects/pack ../q; mkdir .git/objects/pack`,
			env:    []string{"GIT_DIR=.git", "GIT_ALTERNATE_OBJECT_DIRECTORIES=../q"},
		},
		{name: "objects elsewhere", script: `cp -a $P w; mv w/.git/objects o; mkdir w/.git/objects`, in: "w", source: "tasks", env: []string{"GIT_DIR=.git", "GIT_OBJECT_DIRECTORY=../o"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			shell(t, dir, c.script, "O="+origin, "P="+plain)
			t.Chdir(filepath.Join(dir, c.in))
			bare := gitrepo.IsBare(strings.TrimPrefix(origin, "file://"))
			for _, e := range c.env {
				name, value, _ := strings.Cut(e, "=")
				t.Setenv(name, value)
			}
			if after := gitrepo.IsBare(strings.TrimPrefix(origin, "file://")); !bare || !after {
				t.Errorf("%s is bare: %v, and with %v: %v", origin, bare, c.env, after)
			}
			if c.base == "" {
				c.base = "origin/main"
			}
			checkPlan(t, c.source, c.base, want, c.says, false)
		})
	}
}

// checkPlan checks the plan, or the error, of a checkout.
func checkPlan(t *testing.T, source, base, want, says string, cut bool) {
	t.Helper()
	p, err := command.Between(t.Context(), source, base, false)
	if says != "" {
		if err == nil || !regexp.MustCompile(says).MatchString(err.Error()) || strings.Contains(err.Error(), "\n") {
			t.Errorf("the error is %v, want one that says %q", err, says)
		}
		return
	}
	if err != nil {
		t.Fatalf("no plan: %v", err)
	}
	// The command asks this first, of settings and a state that a job names.
	tracked, err := gitrepo.Tracked(source, filepath.Join(source, "orders.yaml"), true)
	if _, bare := os.Stat(filepath.Join(source, "HEAD")); err != nil || tracked == (bare == nil) {
		t.Errorf("whether orders.yaml is tracked: %v, %v", tracked, err)
	}
	got := said(p)
	short := regexp.MustCompile(`it may have been applied before: of the history of \S+, no more than the newest [0-9]+ commits could be searched`)
	if cut != short.MatchString(got) {
		t.Errorf("whether the history is cut off: %v, and the plan is\n%s", cut, got)
	}
	if got = short.ReplaceAllString(got, ""); got != want {
		t.Errorf("the plan is\n%s\nthat of a plain clone is\n%s", got, want)
	}
}

func changesOf(t *testing.T, source, base string) string {
	t.Helper()
	p, err := command.Between(t.Context(), source, base, false)
	gittest.Must(t, err)
	return said(p)
}

// said is what a plan does, and to what.
func said(p *plan.Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", p.Hash)
	for _, c := range p.Changes {
		fmt.Fprintf(&b, "%s %s %s %s %v\n", c.Key.TaskID, c.Action, c.Reason, c.Detail, c.Fields)
	}
	return b.String()
}

// pullRequest makes a repository with a branch that is to be merged, as forges have it: the
// branch, what it would be merged to, and the names that each forge has for the two.
func pullRequest(t *testing.T) (origin, plain string) {
	t.Helper()
	r := gittest.New(t)
	task := func(name string, version int) string {
		return fmt.Sprintf("apiVersion: wedatasync/v1\ncommits:\n  - {taskId: %s, projectId: \"1\", commitType: start, instanceVersion: %d}\n", name, version)
	}
	for i := range 5 {
		r.Commit(map[string]string{
			"tasks/orders.yaml": task("orders", i+1), "tasks/users.yaml": task("users", 9), "tasks/same.yaml": task("same", i+4),
			"tasks/later.yaml": task("later", 1), "other/notes.txt": strings.Repeat(fmt.Sprintf("line %d\n", i), 400), ".gitmodules": "# none\n",
		})
	}
	r.Git("tag", "v1.0")
	r.Git("switch", "-q", "-c", "feature")
	r.Write(map[string]string{"tasks/orders.yaml": task("orders", 6), "tasks/new.yaml": task("new", 1), "tasks/users.yaml": ""})
	r.Git("add", "-A")
	r.Now = r.Now.Add(time.Minute)
	r.Git("commit", "-q", "-m", "Release orders")
	r.Git("push", "-q", "origin", "HEAD:feature", "HEAD:refs/pull/7/head", "HEAD:refs/merge-requests/7/head", "v1.0")
	r.Git("switch", "-q", "main")
	r.Commit(map[string]string{"tasks/later.yaml": task("later", 2)})
	r.Git("switch", "-q", "--detach")
	r.Git("merge", "-q", "--no-ff", "-m", "Merge", "feature")
	r.Git("push", "-q", "origin", "HEAD:refs/pull/7/merge", "HEAD:refs/merge-requests/7/merge", "HEAD:refs/pipelines/99")
	r.Bare("config", "uploadpack.allowFilter", "true")
	r.Bare("config", "uploadpack.allowAnySHA1InWant", "true")
	plain = filepath.Join(t.TempDir(), "plain")
	r.Feed("/", "", "clone", "-q", "-b", "feature", "file://"+r.Dir, plain)
	return "file://" + r.Dir, plain
}

// shell runs a script in the folder, without the machine's configuration of git.
func shell(t *testing.T, dir, script string, env ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", script)
	cmd.Dir = dir
	cmd.Env = append(append(gittest.Env(time.Unix(1_800_000_000, 0)), "GIT_ALLOW_PROTOCOL=file", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=gc.autoDetach", "GIT_CONFIG_VALUE_0=false", "T="+dir), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
}

// configured are plain clones with something in their configuration. Each is a line of
// testdata/gitconfig, as git's documentation has it.
func configured() []checkout {
	data, err := os.ReadFile("testdata/gitconfig")
	if err != nil {
		panic(err)
	}
	var all []checkout
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		text, says, _ := strings.Cut(line, "\t=> ")
		all = append(all, checkout{
			name: "config " + text, says: says,
			script: `cp -a $P w; printf '` + strings.ReplaceAll(text, "'", `'\''`) + `\n' >> w/.git/config`,
		})
	}
	return all
}

// TestCheckoutsWithAllKeys plans with every key that git documents, of values that mean
// something and such that mean nothing.
func TestCheckoutsWithAllKeys(t *testing.T) {
	t.Parallel()
	_, plain := pullRequest(t)
	want := changesOf(t, filepath.Join(plain, "tasks"), "origin/main")
	list, err := exec.CommandContext(t.Context(), "git", "help", "--config").Output()
	gittest.Must(t, err)
	keys := strings.Fields(string(list))
	if len(keys) < 500 {
		t.Fatalf("git documents %d keys", len(keys))
	}
	stored := regexp.MustCompile(`(?i)^(core\.(worktree|repositoryformatversion)|extensions\.(objectformat|refstorage))$`)
	config := filepath.Join(plain, ".git", "config")
	before, err := os.ReadFile(config)
	gittest.Must(t, err)
	for _, value := range []string{"true", "false", "0", "2", `"no \"such\" value"`, "refs/heads/x", "/nowhere", "sha256", "reftable"} {
		b := strings.Builder{}
		b.WriteString("\xef\xbb\xbf" + string(before))
		for _, key := range keys {
			if strings.Contains(key, ".") && !stored.MatchString(key) {
				first, last := strings.Index(key, "."), strings.LastIndex(key, ".")
				section := key[:first]
				if last > first {
					section += fmt.Sprintf(" %q", key[first+1:last])
				}
				fmt.Fprintf(&b, "[%s]\n\t%s = %s\n", section, key[last+1:], value)
			}
		}
		gittest.Must(t, os.WriteFile(config, []byte(b.String()), 0o600))
		if got := changesOf(t, filepath.Join(plain, "tasks"), "origin/main"); got != want {
			t.Errorf("where keys are %s, the plan is\n%s\nthat of a plain clone is\n%s", value, got, want)
		}
	}
}
