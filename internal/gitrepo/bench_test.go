package gitrepo_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/gitrepo"
	"github.com/wedatasync/wedatasync/internal/gitstore/gittest"
)

// BenchmarkResolve opens a checkout of 100,000 refs, and finds a branch of it.
func BenchmarkResolve(b *testing.B) {
	r := gittest.New(b)
	head := r.Commit(map[string]string{"a": "a"})
	var refs strings.Builder
	refs.WriteString("# pack-refs with: peeled fully-peeled sorted \n")
	for i := range 100_000 {
		fmt.Fprintf(&refs, "%s refs/remotes/origin/team-%03d/feature-%06d\n", head, i%1000, i)
	}
	gittest.Must(b, os.WriteFile(filepath.Join(r.Work, ".git", "packed-refs"), []byte(refs.String()), 0o600))
	for b.Loop() {
		repository, err := gitrepo.Open(r.Work)
		gittest.Must(b, err)
		if _, err := repository.Resolve("origin/team-999/feature-099999"); err != nil {
			b.Fatal(err)
		}
		gittest.Must(b, repository.Close())
	}
}
