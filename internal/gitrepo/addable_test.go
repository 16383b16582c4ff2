package gitrepo_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/gitrepo"
)

// TestAddable agrees with git about what it takes into a work tree.
func TestAddable(t *testing.T) {
	for _, tt := range []struct{ name, setup, dir string }{
		{"nothing ignored", `git init -q work`, "work"},
		{"not in a work tree", `mkdir work`, "work"},
		{"in the folder of git", `git init -q work`, "work/.git"},
		{"one name ignored", `git init -q work; echo '*.db' > work/.gitignore`, "work"},
		{"all ignored", `git init -q work; echo 'state.db*' > work/.gitignore`, "work"},
		{"all but one again", `git init -q work; printf '# x\nstate.db*\n!state.db.git\n' > work/.gitignore`, "work"},
		{"below, by the root", `git init -q work; mkdir -p work/a/b; echo '/a/' > work/.gitignore`, "work/a/b"},
		{"below, by its folder", `git init -q work; mkdir -p work/a/b; echo '/state.db*' > work/a/b/.gitignore`, "work/a/b"},
		{"below, by another folder", `git init -q work; mkdir -p work/a/b work/a/c; echo '*' > work/a/c/.gitignore`, "work/a/b"},
		{"excluded", `git init -q work; echo 'state.db*' > work/.git/info/exclude`, "work"},
		{"a repository in a repository", `git init -q work; echo 'state.db*' > work/.gitignore; git init -q work/in`, "work/in"},
		{"a linked work tree", `git init -q first; git -C first commit -q --allow-empty -m x; git -C first worktree add -q ../work`, "work"},
		{"a linked work tree, excluded", `git init -q first; git -C first commit -q --allow-empty -m x; git -C first worktree add -q ../work; echo 'state.db*' > first/.git/info/exclude`, "work"},
		{"a work tree elsewhere", `git init -q work; mkdir work/x other; git -C work config core.worktree ../../other`, "work/x"},
		{"a broken pointer to a repository", `mkdir work; echo 'gitdir: nowhere' > work/.git`, "work"},
		{"by way of a link", `git init -q real; echo 'state.db*' > real/.gitignore; ln -s real work`, "work"},
		{"a folder named as one of git", `mkdir -p work/.git`, "work"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			top := t.TempDir()
			run := func(dir, script string) string {
				cmd := exec.CommandContext(t.Context(), "sh", "-ec", script)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=a@b")
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%s: %v: %s", script, err, out)
				}
				return string(out)
			}
			run(top, tt.setup)
			dir := filepath.Join(top, tt.dir)
			got, err := gitrepo.Addable(dir, "state.db", "state.db-wal", "state.db.git/")
			if err != nil {
				t.Fatal(err)
			}
			run(dir, "touch state.db state.db-wal; mkdir state.db.git; touch state.db.git/HEAD")
			added := run(dir, "git add -A --dry-run . 2>/dev/null || true")
			if want := strings.Contains(added, "state.db"); (got != "") != want {
				t.Errorf("Addable: %q, and git adds\n%s", got, added)
			}
		})
	}
}
