package gitrepo

import (
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
)

// InitBare makes an empty bare repository in a folder that exists, on the branch.
func InitBare(dir string, branch plumbing.ReferenceName) error {
	for _, name := range []string{"objects/info", "objects/pack", "refs/heads", "refs/tags"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(name)), 0o700); err != nil {
			return err
		}
	}
	const config = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "HEAD"), []byte("ref: "+branch.String()+"\n"), 0o600)
}
