package forge_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/apiclient"
	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/secret"
)

const pullRequestEvent = `{
  "action": "synchronize",
  "number": 7,
  "pull_request": {
    "number": 7,
    "base": {"ref": "main", "sha": "ba5e", "repo": {"full_name": "acme/tasks"}},
    "head": {"ref": "topic", "sha": "4ead", "repo": {"full_name": "mallory/tasks"}}
  }
}`

func TestDetect(t *testing.T) {
	tests := []struct {
		name  string
		env   map[string]string
		event string
		want  forge.Job
		token string // that the forge is asked with
	}{
		{
			name: "GitHub Actions",
			env: map[string]string{
				"GITHUB_ACTIONS": "true", "GITHUB_API_URL": "https://api.github.com", "GITHUB_SERVER_URL": "https://github.com",
				"GITHUB_REPOSITORY": "acme/tasks", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_SHA": "3e49e", "GITHUB_BASE_REF": "main",
				"GITHUB_TOKEN": "ghs",
			},
			event: pullRequestEvent,
			want: forge.Job{
				Forge: forge.Config{Kind: forge.GitHub, BaseURL: "https://api.github.com", Repository: "acme/tasks", PullRequest: 7},
				Event: "pull_request", Base: "ba5e", Head: "4ead", BaseBranch: "main",
			},
			token: "ghs",
		},
		{
			name: "GitHub Enterprise, our own token",
			env: map[string]string{
				"GITHUB_ACTIONS": "true", "GITHUB_API_URL": "https://ghe.example.com/api/v3", "GITHUB_REPOSITORY": "acme/tasks",
				"GITHUB_EVENT_NAME": "pull_request_target", "GITHUB_TOKEN": "ghs", "WEDATASYNC_FORGE_TOKEN": "own",
			},
			event: pullRequestEvent,
			want: forge.Job{
				Forge: forge.Config{Kind: forge.GitHub, BaseURL: "https://ghe.example.com/api/v3", Repository: "acme/tasks", PullRequest: 7},
				Event: "pull_request_target", Base: "ba5e", Head: "4ead", BaseBranch: "main",
			},
			token: "own",
		},
		{
			name: "GitHub Actions, a comment on a pull request",
			env: map[string]string{
				"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/tasks", "GITHUB_EVENT_NAME": "issue_comment", "GITHUB_SHA": "3e49e",
			},
			event: `{"issue":{"number":9,"pull_request":{"url":"https://api.github.com/repos/acme/tasks/pulls/9"}}}`,
			want: forge.Job{
				Forge: forge.Config{Kind: forge.GitHub, Repository: "acme/tasks", PullRequest: 9},
				Event: "issue_comment", Head: "3e49e",
			},
		},
		{
			name:  "GitHub Actions, a comment on an issue",
			env:   map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/tasks", "GITHUB_EVENT_NAME": "issue_comment"},
			event: `{"issue":{"number":9,"pull_request":null}}`,
			want:  forge.Job{Forge: forge.Config{Kind: forge.GitHub, Repository: "acme/tasks"}, Event: "issue_comment"},
		},
		{
			name:  "GitHub Actions, a push",
			env:   map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/tasks", "GITHUB_EVENT_NAME": "push", "GITHUB_SHA": "4ead"},
			event: `{"ref":"refs/heads/main","before":"ba5e","after":"4ead"}`,
			want:  forge.Job{Forge: forge.Config{Kind: forge.GitHub, Repository: "acme/tasks"}, Event: "push", Head: "4ead"},
		},
		{
			name:  "GitHub Actions, a merge queue",
			env:   map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/tasks", "GITHUB_EVENT_NAME": "merge_group", "GITHUB_SHA": "4ead"},
			event: `{"action":"checks_requested","merge_group":{"head_sha":"4ead","head_ref":"refs/heads/gh-readonly-queue/main/pr-7-ba5e","base_sha":"ba5e","base_ref":"refs/heads/main"}}`,
			want:  forge.Job{Forge: forge.Config{Kind: forge.GitHub, Repository: "acme/tasks"}, Event: "merge_group", Base: "ba5e", Head: "4ead"},
		},
		{
			name: "Gitea Actions",
			env: map[string]string{
				"GITHUB_ACTIONS": "true", "GITEA_ACTIONS": "true", "GITHUB_API_URL": "https://gitea.example.com/api/v1",
				"GITHUB_REPOSITORY": "acme/tasks", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_TOKEN": "job", "GITEA_TOKEN": "own",
			},
			event: pullRequestEvent,
			want: forge.Job{
				Forge: forge.Config{Kind: forge.Gitea, BaseURL: "https://gitea.example.com/api/v1", Repository: "acme/tasks", PullRequest: 7},
				Event: "pull_request", Base: "ba5e", Head: "4ead", BaseBranch: "main",
			},
			token: "own",
		},
		{
			name: "an old Forgejo runner, known by the address of its API",
			env:  map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_API_URL": "https://codeberg.org/api/v1/", "GITHUB_REPOSITORY": "acme/tasks", "GITHUB_TOKEN": "job"},
			want: forge.Job{Forge: forge.Config{Kind: forge.Gitea, BaseURL: "https://codeberg.org/api/v1/", Repository: "acme/tasks"}}, token: "job",
		},
		{
			name: "Forgejo Actions without the address of its API",
			env:  map[string]string{"FORGEJO_ACTIONS": "true", "GITHUB_SERVER_URL": "https://codeberg.org", "GITHUB_REPOSITORY": "acme/tasks", "FORGEJO_TOKEN": "job"},
			want: forge.Job{Forge: forge.Config{Kind: forge.Gitea, BaseURL: "https://codeberg.org/api/v1", Repository: "acme/tasks"}}, token: "job",
		},
		{
			name: "GitLab CI",
			env: map[string]string{
				"GITLAB_CI": "true", "CI_API_V4_URL": "https://gitlab.example.com/api/v4", "CI_PROJECT_ID": "42", "CI_PIPELINE_SOURCE": "merge_request_event",
				"CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_PROJECT_ID": "42", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "ba5e",
				"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_COMMIT_SHA": "4ead", "CI_JOB_TOKEN": "job", "GITLAB_TOKEN": "own",
			},
			want: forge.Job{
				Forge: forge.Config{Kind: forge.GitLab, BaseURL: "https://gitlab.example.com/api/v4", Repository: "42", PullRequest: 7},
				Event: "merge_request_event", Base: "ba5e", Head: "4ead", BaseBranch: "main",
			},
			token: "own",
		},
		{
			name: "GitLab CI in a fork, of the merged result",
			env: map[string]string{
				"GITLAB_CI": "true", "CI_PROJECT_ID": "43", "CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_PROJECT_ID": "42",
				"CI_MERGE_REQUEST_DIFF_BASE_SHA": "01d", "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": "ba5e",
				"CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "4ead", "CI_COMMIT_SHA": "3e49e", "CI_JOB_TOKEN": "job",
			},
			want: forge.Job{Forge: forge.Config{Kind: forge.GitLab, Repository: "42", PullRequest: 7}, Base: "ba5e", Head: "4ead"},
		},
		{
			name: "GitLab CI, a branch",
			env:  map[string]string{"GITLAB_CI": "true", "CI_PROJECT_ID": "42", "CI_PIPELINE_SOURCE": "push", "CI_COMMIT_SHA": "4ead"},
			want: forge.Job{Forge: forge.Config{Kind: forge.GitLab, Repository: "42"}, Event: "push", Head: "4ead"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			job, err := forge.Detect(environment(t, test.env, test.event))
			if err != nil {
				t.Fatal(err)
			}
			test.want.Forge.Token = secret.Value{}
			if test.token != "" {
				test.want.Forge.Token = secret.Text(test.token)
			}
			if diff := cmp.Diff(test.want, job, cmp.Comparer(func(a, b secret.Value) bool { return a == b })); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
		})
	}
}

// environment is that of a job, with the event in a file if there is one.
func environment(t testing.TB, env map[string]string, event string) func(string) string {
	t.Helper()
	path := ""
	if event != "" {
		path = filepath.Join(t.TempDir(), "event.json")
		if err := os.WriteFile(path, []byte(event), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func(name string) string {
		if name == "GITHUB_EVENT_PATH" {
			return path
		}
		return env[name]
	}
}

func TestDetect_Fails(t *testing.T) {
	actions := map[string]string{"GITHUB_ACTIONS": "true"}
	tests := []struct {
		name   string
		getenv func(string) string
		want   error
	}{
		{"no CI", environment(t, nil, ""), forge.ErrNoCI},
		{"the event is not JSON", environment(t, actions, "{"), apiclient.ErrConfig},
		{"the event is huge", environment(t, actions, strings.Repeat(" ", 27<<20)), apiclient.ErrConfig},
		{"the event is gone", func(name string) string {
			return map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": filepath.Join(t.TempDir(), "gone")}[name]
		}, os.ErrNotExist},
		{"no number", environment(t, map[string]string{"GITLAB_CI": "true", "CI_MERGE_REQUEST_IID": "seven\n"}, ""), apiclient.ErrConfig},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := forge.Detect(test.getenv); !errors.Is(err, test.want) {
				t.Errorf("error = %v, want %v", err, test.want)
			}
		})
	}
}

// FuzzDetect reads any event without falling over.
func FuzzDetect(f *testing.F) {
	f.Add(pullRequestEvent)
	f.Add(`{"issue":{"number":9,"pull_request":{}}}`)
	f.Fuzz(func(t *testing.T, event string) {
		job, err := forge.Detect(environment(t, map[string]string{"GITHUB_ACTIONS": "true"}, event))
		if err != nil && job.Forge.PullRequest != 0 {
			t.Errorf("a job with an error: %v", err)
		}
	})
}

// TestDetect_Pages says where people see the run, the commit and its files.
func TestDetect_Pages(t *testing.T) {
	head := "4837b3f5c8704837b3f5c8704837b3f5c8704837"
	event := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(event, []byte(strings.ReplaceAll(pullRequestEvent, "4ead", head)), 0o600); err != nil {
		t.Fatal(err)
	}
	actions := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://forge.example.com/", "GITHUB_REPOSITORY": "acme/tasks",
		"GITHUB_RUN_ID": "123456", "GITHUB_RUN_NUMBER": "17", "GITHUB_EVENT_PATH": event,
	}
	gitea := map[string]string{"GITEA_ACTIONS": "true"}
	maps.Copy(gitea, actions)
	const tasks = "https://forge.example.com/acme/tasks"
	for _, test := range []struct {
		env                map[string]string
		run, commit, files string
	}{
		{actions, tasks + "/actions/runs/123456", tasks + "/commit/" + head, tasks + "/blob/" + head},
		{gitea, tasks + "/actions/runs/17", tasks + "/commit/" + head, tasks + "/src/commit/" + head},
		{
			map[string]string{"GITLAB_CI": "true", "CI_PROJECT_URL": tasks, "CI_JOB_URL": tasks + "/-/jobs/9", "CI_COMMIT_SHA": head},
			tasks + "/-/jobs/9", tasks + "/-/commit/" + head, tasks + "/-/blob/" + head,
		},
		{map[string]string{"GITLAB_CI": "true"}, "", "", ""},
	} {
		job, err := forge.Detect(func(name string) string { return test.env[name] })
		if err != nil {
			t.Fatal(err)
		}
		if job.RunURL != test.run || job.CommitURL != test.commit || job.FilesURL != test.files {
			t.Errorf("run %q, commit %q, files %q, want %q, %q, %q", job.RunURL, job.CommitURL, job.FilesURL, test.run, test.commit, test.files)
		}
	}
}

// TestTargetBranch: each runner says it in a variable of its own, which counts in the job of
// a pull request alone.
func TestTargetBranch(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"Azure Pipelines": {"BUILD_REASON": "PullRequest", "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main"},
		"Jenkins":         {"JENKINS_URL": "https://ci.example.com", "CHANGE_ID": "7", "CHANGE_TARGET": "main"},
		"ghprb":           {"ghprbPullId": "7", "ghprbTargetBranch": "main"},
		"GitLab plugin":   {"gitlabMergeRequestIid": "7", "gitlabTargetBranch": "main"},
		"Bitbucket":       {"BITBUCKET_PR_ID": "7", "BITBUCKET_PR_DESTINATION_BRANCH": "main"},
		"Buildkite":       {"BUILDKITE_PULL_REQUEST": "7", "BUILDKITE_PULL_REQUEST_BASE_BRANCH": "main"},
		"Drone":           {"DRONE_PULL_REQUEST": "7", "DRONE_TARGET_BRANCH": "main"},
		"Woodpecker":      {"CI_COMMIT_PULL_REQUEST": "7", "CI_COMMIT_TARGET_BRANCH": "main"},
		"Travis":          {"TRAVIS_PULL_REQUEST": "7", "TRAVIS_BRANCH": "main"},
		"AppVeyor":        {"APPVEYOR_PULL_REQUEST_NUMBER": "7", "APPVEYOR_REPO_BRANCH": "main"},
	} {
		if got := forge.TargetBranch(environment(t, env, "")); got != "main" {
			t.Errorf("%s: the target is %q", name, got)
		}
	}
	for _, env := range []map[string]string{{"TRAVIS_PULL_REQUEST": "false", "TRAVIS_BRANCH": "main"}, {"APPVEYOR_REPO_BRANCH": "main"}, {"BUILDKITE_PULL_REQUEST": "false"}} {
		if got := forge.TargetBranch(environment(t, env, "")); got != "" {
			t.Errorf("%v is no pull request, and has the target %q", env, got)
		}
	}
}
