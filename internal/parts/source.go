package parts

import (
	"log/slog"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/source"
	"github.com/wedatasync/wedatasync/internal/source/folder"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/state"
)

// SourceConfigs returns how the source is opened, whichever kind it turns out to be. known
// is what the state remembers of its revisions; nil is nothing.
func SourceConfigs(s *config.Settings, mirror string, known *state.Control, log *slog.Logger) (source.GitConfig, folder.Config) {
	if known == nil {
		known = new(state.Control)
	}
	git := source.GitConfig{
		Branch:            s.Branch,
		Path:              s.Path,
		Mirror:            mirror,
		Username:          s.Git.Username,
		PasswordFile:      s.Git.TokenFile,
		CAFile:            s.Git.CAFile,
		SSHKeyFile:        s.Git.SSHKeyFile,
		SSHPassphraseFile: s.Git.SSHPassphraseFile,
		KnownHostsFile:    s.Git.KnownHostsFile,

		GitHubApp: gitremote.GitHubApp{
			ID:             s.Git.GitHubAppID,
			InstallationID: s.Git.GitHubAppInstallationID,
			KeyFile:        s.Git.GitHubAppKeyFile,
			APIURL:         s.Git.GitHubAPIURL,
		},

		Verify:             source.Verify(s.Verify),
		PGPKeysFile:        s.Git.PGPKeysFile,
		AllowedSignersFile: s.Git.AllowedSignersFile,
		RevokedKeysFile:    s.Git.RevokedKeysFile,
		Since:              known.Revision,
		Pending:            known.Pending,
		Verified:           known.Verified,
		Trusted:            trusted(known),

		PlainHosts: s.PlainHosts,
		Logger:     log,
	}
	return git, folder.Config{Path: s.Path, FollowLinks: true, Logger: log}
}

// trusted are the commits that operators let count.
func trusted(known *state.Control) (commits []string) {
	for _, c := range known.Trusted {
		commits = append(commits, c.Commit)
	}
	return commits
}

// OpenShared opens the source of the settings for a command that changes nothing. What is in
// the mirror, which may be another process's, is not fetched again; it may be empty for none.
func OpenShared(s *config.Settings, mirror string, known *state.Control, log *slog.Logger) (reconcile.Source, error) {
	git, folder := SourceConfigs(s, "", known, log)
	git.Shared = mirror
	return source.Open(s.Source, git, folder)
}

// OpenSource opens the source of the settings. mirror is the folder for a copy of a git
// repository; if empty, a temporary one is used. known is what the state remembers of
// its revisions; nil is nothing.
func OpenSource(s *config.Settings, mirror string, known *state.Control, log *slog.Logger) (reconcile.Source, error) {
	git, folder := SourceConfigs(s, mirror, known, log)
	return source.Open(s.Source, git, folder)
}
