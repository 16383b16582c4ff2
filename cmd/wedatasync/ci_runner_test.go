package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A runner is how a CI system gives a job its checkout, its variables and its event.
type runner struct {
	file  string // with the steps
	words string // that the step has which is run
	dir   string // in the checkout, where the step runs
	// checkout makes the checkout of the pull request, or of the queue, as the system does.
	// $MERGE is the merge commit, $HEAD that of the pull request, $BASE that of the branch.
	checkout   string
	env        []string
	event      string
	annotation string // what is printed, once, of a spec that is not valid
	// writes are the files that there are in the end, and what each has.
	writes map[string]string
}

// actionsCheckout is what actions/checkout does with fetch-depth: 0.
const actionsCheckout = `git init -q -b main . && git remote add origin "$REMOTE" &&
git fetch -q --no-tags --prune --no-recurse-submodules origin '+refs/heads/*:refs/remotes/origin/*' '+refs/tags/*:refs/tags/*' "+$MERGE:%[1]s" &&
git checkout -q --force %[1]s`

const (
	pullEvent  = `{"pull_request": {"number": 7, "base": {"sha": "$BASE", "ref": "main"}, "head": {"sha": "$HEAD", "ref": "feature"}}}`
	queueEvent = `{"action": "checks_requested", "merge_group": {"head_sha": "$MERGE", "head_ref": "refs/heads/gh-readonly-queue/main/pr-7", "base_sha": "$BASE", "base_ref": "refs/heads/main"}}`
)

var (
	githubEnv = []string{"GITHUB_ACTIONS=true", "GITHUB_EVENT_NAME=pull_request", "GITHUB_BASE_REF=main", "GITHUB_HEAD_REF=feature", "GITHUB_REF=refs/pull/7/merge", "GITHUB_SHA=$MERGE", "GITHUB_SERVER_URL=https://github.com", "GITHUB_REPOSITORY=acme/tasks", "GITHUB_RUN_ID=42"}
	queueEnv  = []string{"GITHUB_ACTIONS=true", "GITHUB_EVENT_NAME=merge_group", "GITHUB_BASE_REF=", "GITHUB_HEAD_REF=", "GITHUB_REF=refs/heads/gh-readonly-queue/main/pr-7", "GITHUB_SHA=$MERGE", "GITHUB_SERVER_URL=https://github.com", "GITHUB_REPOSITORY=acme/tasks", "GITHUB_RUN_ID=42"}
	inputs    = []string{"SOURCE=tasks", "KEY=prod", "ARGS=--link-base 'https://example.com/with space'\n--show-values"}
)

var runners = map[string]runner{
	"GitHub Actions": {
		file: "examples/ci/github.yml", words: "wedatasync plan", dir: ".",
		checkout: fmt.Sprintf(actionsCheckout, "refs/remotes/pull/7/merge"), env: githubEnv, event: pullEvent, annotation: "::error file=tasks/b.yaml,line=3,",
		writes: map[string]string{"$TMP/summary.md": "](https://github.com/acme/tasks/blob/$HEAD/tasks/a.yaml#L3)"},
	},
	"GitHub Actions, a merge queue": {
		file: "examples/ci/github.yml", words: "wedatasync plan", dir: ".",
		checkout: fmt.Sprintf(actionsCheckout, "refs/remotes/origin/gh-readonly-queue/main/pr-7"), env: queueEnv, event: queueEvent, annotation: "::error file=tasks/b.yaml,line=3,",
		writes: map[string]string{"$TMP/summary.md": "](https://github.com/acme/tasks/blob/$MERGE/tasks/a.yaml#L3)"},
	},
	"the action": {
		file: "action.yml", words: "wedatasync plan", dir: ".",
		checkout: fmt.Sprintf(actionsCheckout, "refs/remotes/pull/7/merge"), env: append(inputs, append(githubEnv, "AGAINST=origin/main")...), event: pullEvent, annotation: "::error file=tasks/b.yaml,line=3,",
		writes: map[string]string{"$TMP/summary.md": "](https://example.com/with%20space/tasks/a.yaml#L3)"},
	},
	"the action, in a working directory": {
		file: "action.yml", words: "wedatasync plan", dir: "mono",
		checkout: fmt.Sprintf(actionsCheckout, "refs/remotes/pull/7/merge"), env: append(inputs, append(githubEnv, "AGAINST=origin/main")...), event: pullEvent, annotation: "::error file=mono/tasks/b.yaml,line=3,",
		writes: map[string]string{"$TMP/summary.md": "](https://example.com/with%20space/mono/tasks/a.yaml#L3)"},
	},
	"the action, a merge queue": {
		file: "action.yml", words: "wedatasync plan", dir: ".",
		checkout: fmt.Sprintf(actionsCheckout, "refs/remotes/origin/gh-readonly-queue/main/pr-7"), env: append(inputs, append(queueEnv, "AGAINST=$BASE")...), event: queueEvent, annotation: "::error file=tasks/b.yaml,line=3,",
		writes: map[string]string{"$TMP/summary.md": "](https://example.com/with%20space/tasks/a.yaml#L3)"},
	},
	"the action, a push": {
		file: "action.yml", words: "wedatasync validate", dir: "mono",
		checkout: fmt.Sprintf(actionsCheckout, "refs/remotes/origin/pushed"), env: append(inputs, "GITHUB_ACTIONS=true", "GITHUB_EVENT_NAME=push", "GITHUB_REF=refs/heads/pushed"), event: `{"ref": "refs/heads/pushed"}`, annotation: "::error file=mono/tasks/b.yaml,line=3,",
	},
	"GitLab CI": {
		file: "examples/ci/gitlab.yml", words: "wedatasync plan", dir: ".",
		checkout: `git init -q -b main . && git remote add origin "$REMOTE" &&
git fetch -q --prune --force origin "+$HEAD:refs/pipelines/1" '+refs/heads/*:refs/remotes/origin/*' '+refs/tags/*:refs/tags/*' && git checkout -q --force "$HEAD"`,
		env:    []string{"GITLAB_CI=true", "CI_PIPELINE_SOURCE=merge_request_event", "CI_MERGE_REQUEST_IID=7", "CI_MERGE_REQUEST_PROJECT_ID=42", "CI_PROJECT_ID=42", "CI_MERGE_REQUEST_DIFF_BASE_SHA=$BASE", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME=main", "CI_COMMIT_SHA=$HEAD"},
		writes: map[string]string{"gl-code-quality-report.json": "\"path\":\"tasks/b.yaml\""},
	},
	"GitLab CI, the target branch not fetched": {
		file: "examples/ci/gitlab.yml", words: "wedatasync plan", dir: ".",
		checkout: `git init -q -b main . && git remote add origin "$REMOTE" && git fetch -q origin "+$MERGE:refs/pipelines/1" && git checkout -q --force "$MERGE"`,
		env:      []string{"GITLAB_CI=true", "CI_PIPELINE_SOURCE=merge_request_event", "CI_MERGE_REQUEST_IID=7", "CI_MERGE_REQUEST_PROJECT_ID=42", "CI_PROJECT_ID=42", "CI_MERGE_REQUEST_TARGET_BRANCH_SHA=$BASE", "CI_MERGE_REQUEST_DIFF_BASE_SHA=$BASE", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME=main", "CI_COMMIT_SHA=$MERGE"},
		writes:   map[string]string{"gl-code-quality-report.json": "\"path\":\"tasks/b.yaml\""},
	},
	"Azure Pipelines": {
		file: "examples/ci/azure-pipelines.yml", words: "wedatasync plan", dir: ".",
		checkout: `git init -q . && git remote add origin "$REMOTE" && git fetch -q --force --tags --prune --no-recurse-submodules origin '+refs/heads/*:refs/remotes/origin/*' "+$MERGE:refs/remotes/pull/7/merge" &&
git checkout -q --force refs/remotes/pull/7/merge`,
		env:    []string{"TF_BUILD=True", "BUILD_REASON=PullRequest", "BUILD_SOURCEBRANCH=refs/pull/7/merge", "SYSTEM_PULLREQUEST_PULLREQUESTID=7", "SYSTEM_PULLREQUEST_TARGETBRANCH=refs/heads/main", "AGENT_TEMPDIRECTORY=$TMP"},
		writes: map[string]string{"$TMP/wedatasync.md": "orders"},
	},
	"Bitbucket Pipelines": {
		file: "examples/ci/bitbucket-pipelines.yml", words: "wedatasync plan", dir: ".",
		checkout: `git clone -q --branch feature "$REMOTE" . && git update-ref -d refs/remotes/origin/main && git merge -q --no-edit "$BASE"`,
		env:      []string{"BITBUCKET_BUILD_NUMBER=1", "BITBUCKET_PR_ID=7", "BITBUCKET_BRANCH=feature", "BITBUCKET_PR_DESTINATION_BRANCH=main", "BITBUCKET_COMMIT=$HEAD"},
	},
	"Jenkins": {
		file: "examples/ci/Jenkinsfile", words: "wedatasync\" plan", dir: ".",
		checkout: `git init -q . && git remote add origin "$REMOTE" && git fetch -q --no-tags --force --progress origin "+$HEAD:refs/remotes/origin/PR-7" '+refs/heads/main:refs/remotes/origin/main' &&
git checkout -q -f "$BASE" && git merge -q --no-edit "$HEAD"`,
		env: []string{"JENKINS_URL=https://ci.example.com/", "BUILD_TAG=jenkins-tasks-7", "CHANGE_ID=7", "CHANGE_TARGET=main", "CHANGE_BRANCH=feature", "GOPATH=$TMP/go"},
	},
}

// stepOf returns the script of the runner's step, without the installation.
func (r *runner) stepOf(t *testing.T) string {
	t.Helper()
	if r.file != "examples/ci/Jenkinsfile" {
		lines := strings.Split(scriptsOf(t, r.file, r.words)[0], "\n")
		for i, line := range lines {
			if strings.Contains(line, "go install") {
				lines[i] = ":"
			}
		}
		return strings.Join(lines, "\n")
	}
	data, err := os.ReadFile(filepath.Join(top, filepath.FromSlash(r.file)))
	if err != nil {
		t.Fatal(err)
	}
	for _, sh := range regexp.MustCompile(`(?m)^ *sh '(.*)'$`).FindAllStringSubmatch(string(data), -1) {
		if strings.Contains(sh[1], r.words) {
			return sh[1]
		}
	}
	t.Fatalf("%s has no step with %s", r.file, r.words)
	return ""
}

const (
	someSpecs  = "apiVersion: wedatasync/v1\ncommits:\n  - {taskId: orders, projectId: \"1\", commitType: resume, instanceVersion: 1}\n"
	otherSpecs = "apiVersion: wedatasync/v1\ncommits:\n  - {taskId: users, projectId: \"1\", commitType: resume, instanceVersion: 1}\n"
)

// pullRequest makes a repository with a pull request, in a folder of its own, and returns the
// variables that name it. Its specs are in tasks and in mono/tasks.
func pullRequest(t *testing.T, other string) []string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		for _, at := range []string{"tasks", "mono/tasks"} {
			path := filepath.Join(dir, "work", filepath.FromSlash(at), name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	must := func(script string) string {
		t.Helper()
		out, code := bash(t, dir, script, nil)
		if code != 0 {
			t.Fatalf("%s: %s", script, out)
		}
		return strings.TrimSpace(out)
	}
	write("a.yaml", someSpecs)
	must("cd work && git init -q -b main . && git add . && git commit -q -m Base && git checkout -q -b feature")
	write("a.yaml", strings.Replace(someSpecs, "instanceVersion: 1", "instanceVersion: 2", 1))
	write("b.yaml", other)
	// Settings and a state of the pull request do not count.
	for name, text := range map[string]string{"wedatasync.yaml": "source: nowhere\nsimulate: true\n", "wedatasync.db": "hostile"} {
		if err := os.WriteFile(filepath.Join(dir, "work", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	must("cd work && git add . && git commit -q -m Feature && git checkout -q main && git commit -q --allow-empty -m Later && git checkout -q -b merge && git merge -q --no-edit feature && git checkout -q main")
	must("git clone -q --bare work origin.git && git -C origin.git config uploadpack.allowAnySHA1InWant true")
	env := []string{"REMOTE=" + filepath.Join(dir, "origin.git"), "TMP=" + dir, "GITHUB_STEP_SUMMARY=" + filepath.Join(dir, "summary.md"), "GITHUB_EVENT_PATH="}
	for name, branch := range map[string]string{"BASE": "main", "HEAD": "feature", "MERGE": "merge"} {
		env = append(env, name+"="+must("git -C work rev-parse "+branch))
	}
	return env
}

// inJob runs the step of a runner in a checkout, and returns what it prints and its exit
// code. The values of writes become what the files have.
func (r *runner) inJob(t *testing.T, env []string) (out string, code int, written map[string]string) {
	t.Helper()
	values := map[string]string{}
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		values[name] = value
	}
	expand := func(s string) string { return os.Expand(s, func(name string) string { return values[name] }) }
	dir := filepath.Join(values["TMP"], "checkout")
	program, err := exec.LookPath("wedatasync")
	bin := filepath.Join(values["TMP"], "go", "bin")
	event := filepath.Join(values["TMP"], "event.json")
	if err := errors.Join(err, os.Mkdir(dir, 0o755), os.MkdirAll(bin, 0o755), os.Symlink(program, filepath.Join(bin, "wedatasync")), os.WriteFile(event, []byte(expand(r.event)), 0o600)); err != nil {
		t.Fatal(err)
	}
	if out, code := bash(t, dir, r.checkout, env); code != 0 {
		t.Fatalf("checkout: %s", out)
	}
	for _, variable := range r.env {
		env = append(env, expand(variable))
	}
	if r.event != "" {
		env = append(env, "GITHUB_EVENT_PATH="+event)
	}
	out, code = bash(t, filepath.Join(dir, r.dir), r.stepOf(t), env)
	written = map[string]string{}
	for name, want := range r.writes {
		path := expand(name)
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		written[expand(want)] = string(data)
	}
	return out, code, written
}

// TestCI_Runners runs the steps of the examples and of the action as each CI system runs
// them, in the job of a pull request: the plan is that of the pull request, in the log and
// in every file, and the job succeeds. With a spec that is not valid it fails, and the log
// says why, once.
func TestCI_Runners(t *testing.T) {
	for name, r := range runners {
		var plan []string
		if strings.Contains(r.words, "plan") {
			plan = []string{"orders +1 -> 2", ", base: "}
		}
		has := func(t *testing.T, out string, patterns ...string) {
			t.Helper()
			for _, want := range append(patterns, plan...) {
				if !regexp.MustCompile(want).MatchString(out) {
					t.Errorf("the log does not have %q:\n%s", want, out)
				}
			}
		}
		t.Run(name+", valid", func(t *testing.T) {
			t.Parallel()
			out, code, _ := r.inJob(t, pullRequest(t, otherSpecs))
			if code != 0 {
				t.Errorf("exit code %d", code)
			}
			has(t, out)
		})
		t.Run(name+", invalid", func(t *testing.T) {
			t.Parallel()
			out, code, written := r.inJob(t, pullRequest(t, strings.Replace(otherSpecs, "resume", "begin", 1)))
			if code != exitError {
				t.Errorf("exit code %d, want %d", code, exitError)
			}
			has(t, out, `(?m)^ +\S*tasks/b\.yaml:3:\d+: .*begin`)
			if r.annotation != "" && (strings.Count(out, "::error") != 1 || !strings.Contains(out, r.annotation)) {
				t.Errorf("the log does not have %q once:\n%s", r.annotation, out)
			}
			for want, have := range written {
				if !strings.Contains(have, want) {
					t.Errorf("a file does not have %q:\n%s", want, have)
				}
			}
		})
	}
}
