package forge

// forgeAPI is what differs between the APIs of the forges.
type forgeAPI struct {
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

// apiOf returns the API of a kind of forge.
func apiOf(kind Kind) (forgeAPI, bool) {
	switch kind {
	case GitHub:
		return github(), true
	case GitLab:
		return gitlab(), true
	case Gitea:
		return gitea(), true
	default:
		return forgeAPI{}, false
	}
}
