package forge

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/apiclient"
	"github.com/wedatasync/wedatasync/internal/fault"
	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/internal/text"
)

// Job is what a CI runner says of its job.
type Job struct {
	// Forge is where the job runs. PullRequest is 0 if the job is not for one, and
	// Token is zero if none was given.
	Forge Config
	Event string // in the forge's words, such as pull_request or merge_request_event
	// Base is the revision that the pull request is to be merged into, or where it
	// branched off; that of a merge queue is what is before the group. Head is its newest one. Both are empty if the job does not say.
	Base       string
	Head       string
	BaseBranch string // what the pull request is to be merged into

	// Where people see it; empty if the job does not say.
	RunURL    string // the run of the job
	CommitURL string // Head
	FilesURL  string // the files of Head, by their paths below it
}

// pages fills in where people see the run, the commit and its files, below the page of the
// repository.
func (j *Job) pages(repository, run, commit, files string) {
	if run != "" {
		j.RunURL = run
	}
	if repository != "" && IsRevision(j.Head) {
		j.CommitURL, j.FilesURL = repository+commit+j.Head, repository+files+j.Head
	}
}

// ErrNoCI says that this process is no job of a CI that is known.
var ErrNoCI = errors.New("not in a CI job that is known")

// tokenVariable goes over a forge's own variables for a token.
const tokenVariable = "WEDATASYNC_FORGE_TOKEN"

// Detect reads what GitHub Actions, GitLab CI, Gitea Actions and Forgejo Actions
// tell a job, from its environment and the file with the event. The error is
// ErrNoCI outside of them.
func Detect(getenv func(string) string) (Job, error) {
	switch {
	case getenv("GITLAB_CI") == "true":
		return gitlabJob(getenv)
	case getenv("GITHUB_ACTIONS") == "true", getenv("GITEA_ACTIONS") == "true", getenv("FORGEJO_ACTIONS") == "true":
		return actionsJob(getenv)
	default:
		return Job{}, ErrNoCI
	}
}

// gitlabJob reads GitLab's predefined variables. The merge request is of the
// project it is to be merged into, which need not be the one the job runs in.
func gitlabJob(getenv func(string) string) (Job, error) {
	job := Job{
		Forge: Config{
			Kind:       GitLab,
			BaseURL:    getenv("CI_API_V4_URL"),
			Repository: cmp.Or(getenv("CI_MERGE_REQUEST_PROJECT_ID"), getenv("CI_PROJECT_ID")),
			Token:      firstSecret(getenv, tokenVariable, "GITLAB_TOKEN"),
		},
		Event:      getenv("CI_PIPELINE_SOURCE"),
		Base:       cmp.Or(getenv("CI_MERGE_REQUEST_TARGET_BRANCH_SHA"), getenv("CI_MERGE_REQUEST_DIFF_BASE_SHA")),
		Head:       cmp.Or(getenv("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"), getenv("CI_COMMIT_SHA")),
		BaseBranch: getenv("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"),
	}
	if number := getenv("CI_MERGE_REQUEST_IID"); number != "" {
		n, err := strconv.Atoi(number)
		if err != nil {
			return Job{}, detectError(fmt.Errorf("CI_MERGE_REQUEST_IID is %q, not a number", text.OneLine(number, maxShown)))
		}
		job.Forge.PullRequest = n
	}
	job.pages(getenv("CI_PROJECT_URL"), cmp.Or(getenv("CI_JOB_URL"), getenv("CI_PIPELINE_URL")), "/-/commit/", "/-/blob/")
	return job, nil
}

// actionsJob reads the variables of GitHub Actions, which Gitea and Forgejo set
// as well.
func actionsJob(getenv func(string) string) (Job, error) {
	api := getenv("GITHUB_API_URL")
	job := Job{
		Forge:      Config{Kind: GitHub, BaseURL: api, Repository: getenv("GITHUB_REPOSITORY")},
		Event:      getenv("GITHUB_EVENT_NAME"),
		Head:       getenv("GITHUB_SHA"),
		BaseBranch: getenv("GITHUB_BASE_REF"),
	}
	if getenv("GITEA_ACTIONS") == "true" || getenv("FORGEJO_ACTIONS") == "true" || strings.HasSuffix(strings.TrimSuffix(api, "/"), "/api/v1") {
		job.Forge.Kind = Gitea
		if api == "" {
			job.Forge.BaseURL = strings.TrimSuffix(getenv("GITHUB_SERVER_URL"), "/") + "/api/v1"
		}
		job.Forge.Token = firstSecret(getenv, tokenVariable, "GITEA_TOKEN", "FORGEJO_TOKEN", "GITHUB_TOKEN")
	} else {
		job.Forge.Token = firstSecret(getenv, tokenVariable, "GITHUB_TOKEN")
	}
	if path := getenv("GITHUB_EVENT_PATH"); path != "" {
		e, err := readEvent(path)
		if err != nil {
			return Job{}, detectError(err)
		}
		e.fill(&job)
	}
	job.actionsPages(getenv)
	return job, nil
}

// actionsPages fills in where people see the job. Gitea names a run by its number.
func (j *Job) actionsPages(getenv func(string) string) {
	server, run, files := strings.TrimSuffix(getenv("GITHUB_SERVER_URL"), "/"), getenv("GITHUB_RUN_ID"), "/blob/"
	if server == "" || j.Forge.Repository == "" {
		return
	}
	if j.Forge.Kind == Gitea {
		run, files = getenv("GITHUB_RUN_NUMBER"), "/src/commit/"
	}
	repository := server + "/" + j.Forge.Repository
	if run != "" {
		run = repository + "/actions/runs/" + run
	}
	j.pages(repository, run, "/commit/", files)
}

func firstSecret(getenv func(string) string, names ...string) secret.Value {
	for _, name := range names {
		if text := getenv(name); text != "" {
			return secret.Text(text)
		}
	}
	return secret.Value{}
}

// event is the part of GitHub's webhook payloads that tells the pull request.
type event struct {
	PullRequest *struct {
		Number int `json:"number"`
		Base   struct {
			SHA string `json:"sha"`
			Ref string `json:"ref"`
		} `json:"base"`
		Head struct {
			SHA string `json:"sha"`
		} `json:"head"`
	} `json:"pull_request"`
	// Issue is the pull request that was commented on.
	Issue *struct {
		Number      int             `json:"number"`
		PullRequest json.RawMessage `json:"pull_request"`
	} `json:"issue"`
	// MergeGroup is what a merge queue is about to merge: some pull requests together.
	MergeGroup *struct {
		BaseSHA string `json:"base_sha"`
		HeadSHA string `json:"head_sha"`
	} `json:"merge_group"`
	// WorkflowRun is the run that this one comes after.
	WorkflowRun *struct {
		Event string `json:"event"`
	} `json:"workflow_run"`
}

// fill adds what the event says to the job.
func (e *event) fill(job *Job) {
	switch {
	case e.PullRequest != nil:
		job.Forge.PullRequest = e.PullRequest.Number
		job.Base = e.PullRequest.Base.SHA
		job.Head = cmp.Or(e.PullRequest.Head.SHA, job.Head)
		job.BaseBranch = cmp.Or(job.BaseBranch, e.PullRequest.Base.Ref)
	case e.MergeGroup != nil:
		// The branch can be behind it: groups before this one are not merged yet.
		job.Base = e.MergeGroup.BaseSHA
		job.Head = cmp.Or(e.MergeGroup.HeadSHA, job.Head)
	case e.Issue != nil && len(e.Issue.PullRequest) > 0 && string(e.Issue.PullRequest) != "null":
		job.Forge.PullRequest = e.Issue.Number
	}
}

// maxEvent bounds an event in bytes. GitHub sends none above 25 MiB.
const maxEvent = 26 << 20

func readEvent(path string) (*event, error) {
	data, err := file.Read("GITHUB_EVENT_PATH", path, maxEvent)
	if err != nil {
		return nil, err
	}
	e := &event{}
	if err := json.Unmarshal(data, e); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return e, nil
}

func detectError(err error) error {
	return &fault.Error{Op: "read the CI job's environment", Kind: apiclient.ErrConfig, Err: err, Hint: "name the repository and the number yourself"}
}
