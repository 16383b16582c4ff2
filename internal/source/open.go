package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	git "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/internal/gitremote"
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

// findGit returns the .git of the folder, or of the nearest folder above it that has one,
// and the folder that it was found in.
func findGit(dir string) (dot, worktree string, err error) {
	for {
		dot = filepath.Join(dir, git.GitDirName)
		info, err := os.Stat(dot)
		switch {
		case err == nil && info.IsDir():
			return dot, dir, nil
		case err == nil:
			dot, err = pointer(dot, "gitdir: ", dir)
			return dot, dir, err
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
			return "", "", err
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", "", git.ErrRepositoryNotExists
		}
		dir = up
	}
}

// commonDir returns where a linked worktree's repository keeps what all its worktrees
// share: refs and objects.
func commonDir(dot string) (string, error) {
	common, err := pointer(filepath.Join(dot, "commondir"), "", dot)
	if errors.Is(err, fs.ErrNotExist) {
		return dot, nil
	}
	return common, err
}

// pointer returns the path that a file of git holds after a prefix; base is what it is
// relative to.
func pointer(name, prefix, base string) (string, error) {
	const most = 64 << 10
	data, err := file.Read("", name, most)
	if err != nil {
		return "", err
	}
	path, ok := strings.CutPrefix(string(data), prefix)
	if !ok {
		return "", fmt.Errorf("%s does not begin with %q", name, prefix)
	}
	path, _, _ = strings.Cut(path, "\n")
	if path = strings.TrimSpace(path); filepath.IsAbs(path) {
		return path, nil
	}
	return filepath.Join(base, path), nil
}

// otherFormat is what a repository's configuration says if its objects or refs are not
// stored as they are read here.
var otherFormat = regexp.MustCompile(`(?im)^\s*(objectformat\s*=\s*"?sha256|refstorage\s*=\s*"?reftable)`)

// checkFormat refuses a repository whose objects or refs are stored in another way. Of
// its configuration nothing else counts.
func checkFormat(common string) error {
	const most = 4 << 20
	config, err := file.Read("", filepath.Join(common, "config"), most)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if found := otherFormat.FindSubmatch(config); found != nil {
		return fmt.Errorf("it is stored in a way that is not supported: %s", found[1])
	}
	return err
}

// unconfigured is the storage of a repository without its configuration.
type unconfigured struct{ *filesystem.Storage }

// Config returns an empty configuration.
func (unconfigured) Config() (*config.Config, error) { return config.NewConfig(), nil }
