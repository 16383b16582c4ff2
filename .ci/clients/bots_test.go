package clients

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block returns the n-th block of code of a kind in a page of the docs.
func block(t *testing.T, page, kind string, n int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top, "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```"+kind+"\n(.*?)^```$").FindAllStringSubmatch(string(text), -1)
	if len(blocks) <= n {
		t.Fatalf("%s has %d blocks of %s", page, len(blocks), kind)
	}
	return blocks[n][1]
}

// git runs git in a folder.
func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=Ada", "-c", "user.email=ada@example.com"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", args, err, out)
	}
}

// TestBots runs the recipes of docs/bots.md on its file: the version is another one, every
// other line is the same, and the plan is one commit.
func TestBots(t *testing.T) {
	spec := block(t, "bots.md", "yaml", 0)
	yq, err := build(filepath.Join(shared, "bin", "yq"), "github.com/mikefarah/yq/v4")
	if err != nil {
		t.Fatal(err)
	}
	path := "PATH=" + filepath.Dir(yq) + string(os.PathListSeparator) + os.Getenv("PATH")
	for name, recipe := range map[string]func(t *testing.T, dir string){
		"yq":       func(t *testing.T, dir string) { shell(t, dir, path, block(t, "bots.md", "sh", 0)) },
		"sed":      func(t *testing.T, dir string) { shell(t, dir, path, block(t, "bots.md", "sh", 1)) },
		"Renovate": renovate,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "tasks", "orders.yaml")
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(spec), 0o600); err != nil {
				t.Fatal(err)
			}
			git(t, dir, "init", "-q", "-b", "main")
			git(t, dir, "add", ".")
			git(t, dir, "commit", "-q", "-m", "Base")
			recipe(t, dir)
			got, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.Replace(spec, "instanceVersion: 5", "instanceVersion: 6", 1); string(got) != want {
				t.Errorf("the file is\n%s\nwant\n%s", got, want)
			}
			git(t, dir, "commit", "-q", "-a", "-m", "Version 6")
			output(t, wedatasyncIn(t, dir, "validate", "--strict", "tasks"), "")
			if plan := output(t, wedatasyncIn(t, dir, "plan", "--source", "tasks", "--against", "HEAD~1"), ""); !strings.Contains(plan, "1 commit will be sent") || !strings.Contains(plan, "5 -> 6") {
				t.Errorf("the plan is\n%s", plan)
			}
		})
	}
}

// TestBots_strenv: the mistake that docs/bots.md warns of is an error that says what to write.
func TestBots_strenv(t *testing.T) {
	spec := strings.Replace(block(t, "bots.md", "yaml", 0), "instanceVersion: 5", `instanceVersion: "6"`, 1)
	cmd := wedatasyncIn(t, t.TempDir(), "validate", "-")
	cmd.Stdin = strings.NewReader(spec)
	if out, err := cmd.Output(); err == nil || !strings.Contains(string(out), "write 6 without quotes") {
		t.Errorf("%v: %s", err, out)
	}
}

// shell runs a recipe.
func shell(t *testing.T, dir, path, script string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-euc", script)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), path)
	output(t, cmd, "")
}

// renovate does what Renovate does with the manager of docs/bots.md: it matches the expression
// with those of JavaScript, in the files that the pattern names, and replaces the value.
func renovate(t *testing.T, dir string) {
	var config struct {
		CustomManagers []struct{ ManagerFilePatterns, MatchStrings []string }
	}
	if err := json.Unmarshal([]byte(block(t, "bots.md", "json", 0)), &config); err != nil {
		t.Fatal(err)
	}
	m := config.CustomManagers[0]
	in, err := json.Marshal(map[string]string{"pattern": strings.Trim(m.ManagerFilePatterns[0], "/"), "match": m.MatchStrings[0]})
	if err != nil {
		t.Fatal(err)
	}
	cmd := node(t, "yaml", `
const fs = require('fs'), {pattern, match} = JSON.parse(fs.readFileSync(0)), file = 'tasks/orders.yaml';
if (!new RegExp(pattern).test(file)) throw new Error('the pattern does not match ' + file);
const text = fs.readFileSync(file, 'utf8'), all = [...text.matchAll(new RegExp(match, 'g'))];
if (all.length !== 1) throw new Error(all.length + ' matches');
const {depName, datasource, currentValue} = all[0].groups;
if (depName !== 'orders' || datasource !== 'custom.wedata') throw new Error(depName + ' ' + datasource);
fs.writeFileSync(file, text.replace(all[0][0], all[0][0].replace(new RegExp(currentValue + '$'), '6')))`)
	cmd.Dir = dir
	output(t, cmd, string(in))
}

// wedatasyncIn is a command of the program in a folder, without the variables of a job of CI.
func wedatasyncIn(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), wedatasync(t), args...)
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	return cmd
}

// pullRequest makes a repository in which main is one commit before the checked-out branch,
// which has a spec that is not valid if it should.
func pullRequest(t *testing.T, valid bool, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	const spec = "apiVersion: wedatasync/v1\ncommits:\n  - {taskId: orders, projectId: \"1\", commitType: resume, instanceVersion: %d}\n"
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("tasks/a.yaml", fmt.Sprintf(spec, 1))
	for name, text := range files {
		write(name, text)
	}
	git(t, dir, "init", "-q", "-b", "main")
	git(t, dir, "remote", "add", "origin", "https://git.example.com/acme/tasks.git")
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-q", "-m", "Base")
	git(t, dir, "update-ref", "refs/remotes/origin/main", "main")
	git(t, dir, "checkout", "-q", "-b", "feature")
	write("tasks/a.yaml", fmt.Sprintf(spec, 2))
	if !valid {
		write("tasks/b.yaml", strings.NewReplacer("resume", "begin", "orders", "users").Replace(fmt.Sprintf(spec, 1)))
	}
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-q", "-m", "Feature")
	return dir
}
