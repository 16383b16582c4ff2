package notify

import (
	"fmt"
	"net/http"
	"net/url"
)

// dialect is how one kind of forge says the same things.
type dialect struct {
	base    string // of the public one's API; empty if there is none
	scheme  string // of the Authorization header
	accept  string
	version string // of GitHub's API
	limit   int    // characters of a comment; 0 if there is no limit
	edit    string // the method that changes a comment

	// paths below the API's address
	notes    func(repository string, number int) string
	note     func(repository string, number int, id int64) string
	statuses func(repository, revision string) string

	// mine reports whether an author can be us, when the forge does not tell who
	// we are.
	mine func(account) bool

	name           func(repository string, number int) string // of the pull request, for people
	tokenHint      string
	permissionHint string
}

func dialects(kind Kind) (dialect, bool) {
	switch kind {
	case GitHub:
		return github(), true
	case GitLab:
		return gitlab(), true
	case Gitea:
		return gitea(), true
	default:
		return dialect{}, false
	}
}

func github() dialect {
	d := issues()
	d.base, d.scheme, d.accept, d.version = "https://api.github.com", "Bearer", "application/vnd.github+json", "2022-11-28"
	d.limit = 65_536
	// The token of a job, like any of an app, may not ask who it is. What it writes
	// is a bot's, and what people write is not.
	d.mine = func(a account) bool { return a.Type == "Bot" }
	d.tokenHint = "give the job GITHUB_TOKEN (env: GITHUB_TOKEN: ${{ github.token }}), or name a file with a token"
	d.permissionHint = "give the job `permissions: pull-requests: write` (for commit statuses `statuses: write`); the job of a pull request from a fork cannot have it"
	return d
}

func gitea() dialect {
	d := issues()
	d.scheme, d.accept = "token", "application/json"
	d.mine = func(account) bool { return true }
	d.tokenHint = "give the job a token in WEDATASYNC_FORGE_TOKEN, or name a file with one; its scopes are write:issue and read:user, and write:repository for commit statuses"
	d.permissionHint = "the token needs the scope write:issue (for commit statuses write:repository), and its user the right to write to pull requests"
	return d
}

// issues is what GitHub and Gitea have in common: a pull request is an issue.
func issues() dialect {
	return dialect{
		edit: http.MethodPatch,
		notes: func(repository string, number int) string {
			return fmt.Sprintf("/repos/%s/issues/%d/comments", repository, number)
		},
		note: func(repository string, _ int, id int64) string {
			return fmt.Sprintf("/repos/%s/issues/comments/%d", repository, id)
		},
		statuses: func(repository, revision string) string {
			return fmt.Sprintf("/repos/%s/statuses/%s", repository, url.PathEscape(revision))
		},
		name: func(repository string, number int) string {
			return fmt.Sprintf("pull request %d of %s", number, repository)
		},
	}
}

func gitlab() dialect {
	project := func(repository string) string { return "/projects/" + url.PathEscape(repository) }
	notes := func(repository string, number int) string {
		return fmt.Sprintf("%s/merge_requests/%d/notes", project(repository), number)
	}
	return dialect{
		base: "https://gitlab.com/api/v4", scheme: "Bearer", accept: "application/json", limit: 1_000_000,
		edit:  http.MethodPut,
		notes: notes,
		note: func(repository string, number int, id int64) string {
			return fmt.Sprintf("%s/%d", notes(repository, number), id)
		},
		statuses: func(repository, revision string) string {
			return fmt.Sprintf("%s/statuses/%s", project(repository), url.PathEscape(revision))
		},
		mine: func(account) bool { return true },
		name: func(repository string, number int) string {
			return fmt.Sprintf("merge request %d of %s", number, repository)
		},
		tokenHint:      "give the job a token in WEDATASYNC_FORGE_TOKEN or GITLAB_TOKEN, or name a file with one; CI_JOB_TOKEN cannot comment",
		permissionHint: "the token needs the scope api and at least the role Reporter in the project (for commit statuses Developer)",
	}
}
