package forge_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/wedatasync/wedatasync/internal/forge"
)

// TestPullRequestMark knows the job of a pull request by what its runner documents.
func TestPullRequestMark(t *testing.T) {
	event := func(text string) string {
		path := filepath.Join(t.TempDir(), "event.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"nothing", nil, ""},
		{"a push on GitHub", map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main", "GITHUB_EVENT_PATH": event(`{"ref":"refs/heads/main"}`)}, ""},
		{"GitHub", map[string]string{"GITHUB_EVENT_NAME": "pull_request"}, "GITHUB_EVENT_NAME"},
		{"GitHub, target", map[string]string{"GITHUB_EVENT_NAME": "pull_request_target"}, "GITHUB_EVENT_NAME"},
		{"a merge queue", map[string]string{"GITHUB_EVENT_NAME": "merge_group"}, "GITHUB_EVENT_NAME"},
		{"Gitea", map[string]string{"GITEA_ACTIONS": "true", "GITHUB_BASE_REF": "main"}, "GITHUB_BASE_REF"},
		{"a ref of GitHub", map[string]string{"GITHUB_REF": "refs/pull/7/merge"}, "GITHUB_REF"},
		{"a comment on a pull request", map[string]string{"GITHUB_EVENT_NAME": "issue_comment", "GITHUB_EVENT_PATH": event(`{"issue":{"number":7,"pull_request":{"url":"x"}}}`)}, "GITHUB_EVENT_PATH"},
		{"a comment on an issue", map[string]string{"GITHUB_EVENT_NAME": "issue_comment", "GITHUB_EVENT_PATH": event(`{"issue":{"number":7}}`)}, ""},
		{"after a pull request's run", map[string]string{"GITHUB_EVENT_NAME": "workflow_run", "GITHUB_EVENT_PATH": event(`{"workflow_run":{"event":"pull_request"}}`)}, "GITHUB_EVENT_PATH"},
		{"after a push's run", map[string]string{"GITHUB_EVENT_NAME": "workflow_run", "GITHUB_EVENT_PATH": event(`{"workflow_run":{"event":"push"}}`)}, ""},
		{"an event that cannot be read", map[string]string{"GITHUB_EVENT_PATH": "/dev/zero"}, "GITHUB_EVENT_PATH"},
		{"GitLab", map[string]string{"CI_MERGE_REQUEST_IID": "7"}, "CI_MERGE_REQUEST_IID"},
		{"a branch with merge requests", map[string]string{"CI_OPEN_MERGE_REQUESTS": "a/b!7"}, "CI_OPEN_MERGE_REQUESTS"},
		{"a push on GitLab", map[string]string{"GITLAB_CI": "true", "CI_PIPELINE_SOURCE": "push"}, ""},
		{"Azure Pipelines", map[string]string{"TF_BUILD": "True", "BUILD_REASON": "PullRequest"}, "BUILD_REASON"},
		{"a push on Azure Pipelines", map[string]string{"TF_BUILD": "True", "BUILD_REASON": "IndividualCI", "BUILD_SOURCEBRANCH": "refs/heads/main"}, ""},
		{"Jenkins", map[string]string{"CHANGE_ID": "7", "JENKINS_URL": "https://jenkins.example.com/"}, "CHANGE_ID"},
		{"somebody's own CHANGE_ID", map[string]string{"CHANGE_ID": "CHG0031"}, ""},
		{"Buildkite", map[string]string{"BUILDKITE_PULL_REQUEST": "7"}, "BUILDKITE_PULL_REQUEST"},
		{"a push on Buildkite", map[string]string{"BUILDKITE_PULL_REQUEST": "false"}, ""},
	} {
		if got := forge.PullRequestMark(func(name string) string { return tt.env[name] }); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
