package forge

import "strings"

// mark is a variable by which a runner of CI says that a job is for a pull request,
// or for whatever the forge calls a change that was not accepted yet.
type mark struct {
	name  string
	means func(value string) bool
}

// marks are the documented ones.
var marks = [...]mark{
	// GitHub, Gitea, Forgejo. A merge queue tests what was not merged yet.
	{"GITHUB_EVENT_NAME", begins("pull_request", "merge_group")},
	{"GITHUB_BASE_REF", anything},
	{"GITHUB_HEAD_REF", anything},
	{"GITHUB_REF", begins("refs/pull/")},
	// GitLab. A branch that has merge requests is as open as they are.
	{"CI_MERGE_REQUEST_IID", anything},
	{"CI_OPEN_MERGE_REQUESTS", anything},
	{"CI_EXTERNAL_PULL_REQUEST_IID", anything},
	{"CI_PIPELINE_SOURCE", begins("merge_request_event", "external_pull_request_event")},
	// Azure Pipelines.
	{"SYSTEM_PULLREQUEST_PULLREQUESTID", anything},
	{"BUILD_REASON", begins("PullRequest")},
	{"BUILD_SOURCEBRANCH", begins("refs/pull/")},
	// Jenkins: the plugins ghprb and GitLab; CHANGE_ID is below.
	{"ghprbPullId", anything},
	{"gitlabMergeRequestIid", anything},
	// Others.
	{"BITBUCKET_PR_ID", anything},
	{"BUILDKITE_PULL_REQUEST", notFalse},
	{"CIRCLE_PULL_REQUEST", anything},
	{"CI_COMMIT_PULL_REQUEST", anything}, // Woodpecker
	{"DRONE_PULL_REQUEST", anything},
	{"TRAVIS_PULL_REQUEST", notFalse},
	{"APPVEYOR_PULL_REQUEST_NUMBER", anything},
}

func anything(value string) bool { return value != "" }
func notFalse(value string) bool { return value != "" && value != "false" }

func begins(words ...string) func(string) bool {
	return func(value string) bool {
		for _, w := range words {
			if strings.HasPrefix(value, w) {
				return true
			}
		}
		return false
	}
}

// PullRequestMark returns the variable that says that this job is for a pull request,
// or "" if none does. What such a job has checked out is a stranger's.
func PullRequestMark(getenv func(string) string) string {
	for _, m := range marks {
		if m.means(getenv(m.name)) {
			return m.name
		}
	}
	// The name alone could be anybody's.
	if getenv("CHANGE_ID") != "" && (getenv("JENKINS_URL") != "" || getenv("BUILD_TAG") != "") {
		return "CHANGE_ID"
	}
	// Other events, such as a comment, can be about a pull request. What cannot be told
	// is taken for one.
	if getenv("GITHUB_EVENT_PATH") != "" {
		if e, err := readEvent(getenv("GITHUB_EVENT_PATH")); err != nil || e.ofPullRequest() {
			return "GITHUB_EVENT_PATH"
		}
	}
	return ""
}

// targets are the variables by which runners other than those that [Detect] knows say into
// which branch a pull request is to be merged.
var targets = [...]string{
	"SYSTEM_PULLREQUEST_TARGETBRANCH",                          // Azure Pipelines
	"CHANGE_TARGET", "ghprbTargetBranch", "gitlabTargetBranch", // Jenkins
	"BITBUCKET_PR_DESTINATION_BRANCH",
	"BUILDKITE_PULL_REQUEST_BASE_BRANCH",
	"DRONE_TARGET_BRANCH",
	"CI_COMMIT_TARGET_BRANCH", // Woodpecker
	"TRAVIS_BRANCH",
	"APPVEYOR_REPO_BRANCH",
}

// TargetBranch is the branch that the pull request of a job is to be merged into; empty if
// there is none, or [Detect] tells it.
func TargetBranch(getenv func(string) string) string {
	if PullRequestMark(getenv) == "" {
		return ""
	}
	for _, name := range targets {
		if branch := getenv(name); branch != "" {
			return strings.TrimPrefix(branch, "refs/heads/")
		}
	}
	return ""
}

// ofPullRequest reports whether the event is about a pull request, or follows from one
// that was.
func (e *event) ofPullRequest() bool {
	var job Job
	e.fill(&job)
	return job.Forge.PullRequest != 0 || e.WorkflowRun != nil && begins("pull_request", "merge_group")(e.WorkflowRun.Event)
}
