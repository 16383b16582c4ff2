package gitrepo_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/gitrepo"
)

// TestTracked finds what git tracks in a checkout, by whatever way it is named.
func TestTracked(t *testing.T) {
	top := t.TempDir()
	work := filepath.Join(top, "work")
	run := func(script string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", "-ec", script)
		cmd.Dir = top
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=a@b")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", script, err, out)
		}
	}
	run(`git init -q -b main work; cd work; mkdir -p tasks ci
		echo a > tasks/a.yaml; echo s > ci/state.db; echo w > ci/other.db-wal; echo c > Config.yaml; echo x > gone.db
		ln -s ../outside ci/link; ln -s /nowhere ci/dangling; mkdir ../outside; echo o > ../outside/o.db
		git add .; git commit -q -m base; git rm -q --cached gone.db; git add -N .; git reset -q gone.db; git rm -q --cached gone.db
		echo u > ci/untracked.db; ln -s work/ci ../way; ln -s work/ci/state.db ../file.db; mkdir deep; echo d > deep/d.db`)
	for _, tt := range []struct {
		file   string
		beside bool
		want   bool
	}{
		{"work/ci/state.db", false, true},
		{"work/tasks/../ci/state.db", false, true},
		{"work/ci/untracked.db", true, false},
		{"work/deep/d.db", true, false},
		{"work/nowhere.db", true, false},
		{"work/gone.db", false, true},
		{"work/config.YAML", false, true},
		{"work/CI/State.DB", false, true},
		{"work/ci/other.db", false, false},
		{"work/ci/other.db", true, true},
		{"work/ci/link/o.db", false, true},
		{"work/ci/dangling", false, true},
		{"work/ci/dangling/x.db", false, true},
		{"outside/o.db", true, false},
		{"way/state.db", false, true},
		{"way/../ci/state.db", false, true},
		{"file.db", false, true},
		{"work/tasks", false, false},
		{"work/.git/index", false, false},
	} {
		got, err := gitrepo.Tracked(filepath.Join(work, "tasks"), top+"/"+tt.file, tt.beside)
		if err != nil || got != tt.want {
			t.Errorf("%s, beside %v: %v, error %v, want %v", tt.file, tt.beside, got, err, tt.want)
		}
	}
	if got, err := gitrepo.Tracked(top, filepath.Join(work, "ci/state.db"), true); got || err != nil {
		t.Errorf("in no checkout: %v, error %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(work, ".git", "index"), []byte("DIRC damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := gitrepo.Tracked(work, filepath.Join(work, "ci/untracked.db"), true); err == nil || !strings.Contains(err.Error(), "index") {
		t.Errorf("an index that cannot be read is not told: %v", err)
	}
}
