package forge

func gitea() forgeAPI {
	api := issues()
	api.scheme, api.accept = "token", "application/json"
	api.mine = func(account) bool { return true }
	api.inJob.token = "give the job a token in WEDATASYNC_FORGE_TOKEN, or name a file with one; its scopes are write:issue and read:user"
	api.inJob.permission = "the token needs the scope write:issue, and its user the right to write to pull requests"
	api.status = hints{tokenFile + "; its scope is write:repository", "the token needs the scope write:repository, and its user the right to write to the repository"}
	return api
}
