package forge

import (
	"fmt"
	"net/http"
	"net/url"
)

func github() forgeAPI {
	api := issues()
	api.base, api.scheme, api.accept, api.version = "https://api.github.com", "Bearer", "application/vnd.github+json", "2022-11-28"
	api.limit = 65_536
	// The token of a job, like any of an app, may not ask who it is. What it writes
	// is a bot's, and what people write is not.
	api.mine = func(a account) bool { return a.Type == "Bot" }
	api.inJob.token = "give the job GITHUB_TOKEN (env: GITHUB_TOKEN: ${{ github.token }}), or name a file with a token"
	api.inJob.permission = "give the job `permissions: pull-requests: write`; the job of a pull request from a fork cannot have it"
	api.status = hints{tokenFile + "; a fine-grained one with Commit statuses: write, or a classic one with repo:status", "the token needs Commit statuses: write (a classic one repo:status), and its owner the right to write to the repository"}
	return api
}

// issues is what GitHub and Gitea have in common: a pull request is an issue.
func issues() forgeAPI {
	return forgeAPI{
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
