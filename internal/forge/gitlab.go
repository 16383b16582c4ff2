package forge

import (
	"fmt"
	"net/http"
	"net/url"
)

func gitlab() forgeAPI {
	project := func(repository string) string { return "/projects/" + url.PathEscape(repository) }
	notes := func(repository string, number int) string {
		return fmt.Sprintf("%s/merge_requests/%d/notes", project(repository), number)
	}
	return forgeAPI{
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
		inJob:  hints{"give the job a token in WEDATASYNC_FORGE_TOKEN or GITLAB_TOKEN, or name a file with one; CI_JOB_TOKEN cannot comment", "the token needs the scope api and at least the role Reporter in the project"},
		status: hints{tokenFile + "; its scope is api, and its role in the project Developer", "the token needs the scope api, and the role Developer in the project"},
	}
}
