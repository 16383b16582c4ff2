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

	name   func(repository string, number int) string // of the pull request, for people
	inJob  hints                                      // for a comment, from the job of a pull request
	status hints                                      // for commit statuses, from a daemon
}

// hints say what to do about a token.
type hints struct{ token, permission string }

// hintsFor returns the hints for what the configuration is for.
func (a *forgeAPI) hintsFor(c Config) hints {
	if c.PullRequest == 0 {
		return a.status
	}
	return a.inJob
}

// tokenFile is where the token of a daemon is.
const tokenFile = "put a token into the file that notify.forge.tokenFile names"

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
