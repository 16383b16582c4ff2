package source

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/source/folder"
)

func TestOpen(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	tests := []struct {
		location string
		git      bool
	}{{r.Dir, true}, {"file://" + r.Dir, true}, {r.Work, false}}
	for _, test := range tests {
		s, err := Open(test.location, GitConfig{}, folder.Config{})
		must(t, err)
		if _, ok := s.(*Git); ok != test.git || IsGit(test.location) != test.git {
			t.Errorf("%s opens a %T", test.location, s)
		}
		wantSaid(t, poll(t, s), "a v1 a.yaml")
		must(t, s.Close())
	}
	for _, location := range []string{filepath.Join(r.Work, "none"), filepath.Join(r.Work, "a.yaml"), ""} {
		if _, err := Open(location, GitConfig{}, folder.Config{}); !errors.Is(err, folder.ErrNoFolder) || !strings.Contains(err.Error(), "set --source to ") {
			t.Errorf("%q: the error is %v", location, err)
		}
	}
}
