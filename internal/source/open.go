package source

import (
	"fmt"
	"os"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/gitrepo"
	"github.com/wedatasync/wedatasync/internal/source/folder"
	"github.com/wedatasync/wedatasync/reconcile"
)

// Open opens the source that the location names: a git repository for a URL
// (https, http, ssh, file), for host:path, and for the path of a bare repository;
// else the folder of that path. Of the two configurations it uses the one that
// fits, with its location replaced.
func Open(location string, git GitConfig, in folder.Config) (reconcile.Source, error) {
	if IsGit(location) {
		git.URL = location
		return OpenGit(git)
	}
	if git.Verify != "" && git.Verify != VerifyOff {
		return nil, fmt.Errorf("open source %s: %w", gitremote.Redact(location), errNoSignatures)
	}
	info, err := os.Stat(location)
	switch {
	case err != nil:
		return nil, &Error{
			Kind: folder.ErrNoFolder, Op: reading(gitremote.Redact(location)), Err: err,
			Hint: "set --source to an existing folder, or to a URL such as https://host/repository.git",
		}
	case !info.IsDir():
		return nil, &Error{Kind: folder.ErrNoFolder, Op: reading(location), Detail: "it is a file", Hint: "set --source to the folder that it is in"}
	}
	in.Dir = location
	return folder.Open(in)
}

// IsGit reports whether Open takes the location for a git repository.
func IsGit(location string) bool { return gitremote.IsURL(location) || gitrepo.IsBare(location) }
