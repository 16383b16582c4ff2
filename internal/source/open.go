package source

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/reconcile"
)

// Open opens the source that the location names: a git repository for a URL
// (https, http, ssh, file), for host:path, and for the path of a bare repository;
// else the folder of that path. Of the two configurations it uses the one that
// fits, with its location replaced.
func Open(location string, git GitConfig, folder FolderConfig) (reconcile.Source, error) {
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
			Kind: ErrNoFolder, Op: reading(gitremote.Redact(location)), Err: err,
			Hint: "name an existing folder, or a URL such as https://host/repository.git",
		}
	case !info.IsDir():
		return nil, &Error{Kind: ErrNoFolder, Op: reading(location), Detail: "it is a file", Hint: "name the folder it is in"}
	}
	folder.Dir = location
	return OpenFolder(folder)
}

// IsGit reports whether Open takes the location for a git repository.
func IsGit(location string) bool { return gitremote.IsURL(location) || isRepository(location) }

// isRepository reports whether the folder is a bare repository, and no part of a
// checkout: whoever writes what is checked out could put a repository of his own into
// it, with branches as he likes.
func isRepository(dir string) bool {
	if !isBare(dir) {
		return false
	}
	tracked, err := Tracked(dir, filepath.Join(dir, "HEAD"), false)
	return err == nil && !tracked
}

// isBare reports whether the folder is a bare git repository.
func isBare(dir string) bool {
	head, err := os.Lstat(filepath.Join(dir, "HEAD"))
	if err != nil || head.IsDir() {
		return false
	}
	for _, name := range []string{"objects", "refs"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}
