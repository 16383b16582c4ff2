package source

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/wedatasync/wedatasync/internal/gitstore/gittest"
	"github.com/wedatasync/wedatasync/internal/source/sourcetest"
)

var long = flag.Bool("long", false, "run the longest tests and benchmarks")

func TestMain(m *testing.M) { sourcetest.Main(m, long) }

// repo is a repository that tests push to, and open as a source.
type repo struct{ *gittest.Repo }

func newRepo(t testing.TB) *repo {
	t.Helper()
	return &repo{gittest.New(t)}
}

// open opens a source that is closed with the test.
func (r *repo) open(c GitConfig) *Git {
	r.T.Helper()
	if c.URL == "" {
		c.URL = r.Dir
	}
	if c.Mirror == "" {
		c.Mirror = filepath.Join(r.T.TempDir(), "mirror.git")
	}
	g, err := OpenGit(c)
	must(r.T, err)
	r.T.Cleanup(func() { must(r.T, g.Close()) })
	return g
}

// What the tests of all sources share.
var (
	must     = sourcetest.Must
	specOf   = sourcetest.Spec
	poll     = sourcetest.Poll
	said     = sourcetest.Said
	wantSaid = sourcetest.WantSaid
)
