package forge

func gitea() forgeAPI {
	api := issues()
	api.scheme, api.accept = "token", "application/json"
	api.mine = func(account) bool { return true }
	api.tokenHint = "give the job a token in WEDATASYNC_FORGE_TOKEN, or name a file with one; its scopes are write:issue and read:user, and write:repository for commit statuses"
	api.permissionHint = "the token needs the scope write:issue (for commit statuses write:repository), and its user the right to write to pull requests"
	return api
}
