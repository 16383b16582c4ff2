package gitstore

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore/gittest"
)

var (
	long = flag.Bool("long", false, "read all 1,000 repositories of the corpus")
	only = flag.Uint64("repository", 0, "read this `number` of the corpus alone")
)

// TestCorpus reads repositories that git makes in odd ways, object by object, as git
// cat-file --batch --batch-all-objects reads them. What they are is drawn by their number.
func TestCorpus(t *testing.T) {
	t.Parallel()
	first, last := uint64(1), uint64(6)
	if *long {
		last = 1000
	}
	if *only > 0 {
		first, last = *only, *only
	}
	var total counts
	for n := first; n <= last; n++ {
		t.Run(strconv.FormatUint(n, 10), func(t *testing.T) {
			c := drawRepository(t, rand.New(rand.NewPCG(n, 16)))
			defer func() {
				if t.Failed() {
					t.Logf("it was made so:\n%s", strings.Join(c.steps, "\n"))
				}
			}()
			total.add(c.compare(t))
		})
	}
	t.Logf("%d repositories: %d objects of %d bytes, of them %d commits, %d trees, %d tags; %d trees were refused; %d packs, %d of them with an old index",
		last-first+1, total.objects, total.bytes, total.kinds[plumbing.CommitObject], total.kinds[plumbing.TreeObject], total.kinds[plumbing.TagObject],
		total.refused, total.packs, total.old)
	if total.objects < 100*int(last-first+1) {
		t.Error("that is hardly anything")
	}
}

// counts is what was read.
type counts struct {
	objects, refused, packs, old int
	bytes                        int64
	kinds                        [8]int
}

func (c *counts) add(more counts) {
	c.objects, c.refused, c.packs, c.old, c.bytes = c.objects+more.objects, c.refused+more.refused, c.packs+more.packs, c.old+more.old, c.bytes+more.bytes
	for i, n := range more.kinds {
		c.kinds[i] += n
	}
}

// compare reads every object, in git's order and as git has it.
func (c *corpus) compare(t *testing.T) (seen counts) {
	dirs, err := Alternates(filepath.Join(c.gitDir(), "objects"))
	gittest.Must(t, err)
	s, err := Open(true, dirs...)
	gittest.Must(t, err)
	defer func() { gittest.Must(t, s.Close()) }()
	for _, p := range *s.packs.Load() {
		seen.packs++
		if p.index.old {
			seen.old++
		}
	}
	var commits []plumbing.Hash
	for h, want := range c.objects(t) {
		seen.objects++
		seen.bytes += int64(len(want.Data))
		seen.kinds[want.Kind]++
		got, err := s.Object(h, MaxObject)
		switch {
		case err != nil:
			t.Errorf("%s %s: %v", want.Kind, h, err)
			continue
		case got.Kind != want.Kind || !bytes.Equal(got.Data, want.Data):
			t.Errorf("%s %s is a %s of %d bytes, want %d", want.Kind, h, got.Kind, len(got.Data), len(want.Data))
		case !s.Has(h):
			t.Errorf("%s is not there", h)
		}
		if n := len(want.Data); n > 0 {
			if _, err := s.Object(h, int64(n-1)); !errors.Is(err, ErrTooLarge) {
				t.Errorf("%s of %d bytes was read beyond its limit: %v", h, n, err)
			}
		}
		switch want.Kind {
		case plumbing.TreeObject:
			seen.refused += compareTree(t, s, h, want.Data)
		case plumbing.CommitObject:
			commits = append(commits, h)
		}
	}
	c.compareCommits(t, s, commits)
	return seen
}

// objects yields all objects as git reads them.
func (c *corpus) objects(t *testing.T) func(yield func(plumbing.Hash, Object) bool) {
	return func(yield func(plumbing.Hash, Object) bool) {
		cmd := exec.CommandContext(t.Context(), "git", "--no-replace-objects", "cat-file", "--batch", "--batch-all-objects", "--buffer")
		cmd.Dir, cmd.Env = c.dir, gittest.Env(time.Now())
		out, err := cmd.StdoutPipe()
		gittest.Must(t, err)
		gittest.Must(t, cmd.Start())
		in := bufio.NewReader(out)
		for {
			line, err := in.ReadString('\n')
			if err == io.EOF {
				break
			}
			gittest.Must(t, err)
			words := strings.Fields(line)
			if len(words) != 3 {
				t.Fatalf("git says %q", line)
			}
			kind, err := plumbing.ParseObjectType(words[1])
			gittest.Must(t, err)
			size, err := strconv.Atoi(words[2])
			gittest.Must(t, err)
			data := make([]byte, size+1)
			_, err = io.ReadFull(in, data)
			gittest.Must(t, err)
			if !yield(plumbing.NewHash(words[0]), Object{kind, data[:size]}) {
				break
			}
		}
		gittest.Must(t, cmd.Wait())
	}
}

// compareTree checks that a tree is read as its bytes have it, or refused for a reason.
func compareTree(t *testing.T, s *Store, h plumbing.Hash, data []byte) (refused int) {
	entries, err := s.Tree(h)
	var names []string
	odd := false
	at := 0
	for rest := data; len(rest) > 0; at++ {
		mode, after, _ := bytes.Cut(rest, []byte{' '})
		name, tail, _ := bytes.Cut(after, []byte{0})
		n, errMode := strconv.ParseUint(string(mode), 8, 32)
		key := string(name)
		if n&0o170000 == 0o040000 {
			key += "/"
		}
		odd = odd || errMode != nil || len(tail) < HashSize || key == "" || key == "/" || strings.Contains(string(name), "/") || slices.Contains([]string{".", ".."}, string(name)) ||
			slices.ContainsFunc(names, func(other string) bool { return strings.TrimSuffix(other, "/") == string(name) }) ||
			len(names) > 0 && names[len(names)-1] > key
		if len(tail) < HashSize {
			break
		}
		names = append(names, key)
		if err == nil && at < len(entries) {
			if e := entries[at]; e.Name != string(name) || !bytes.Equal(e.Hash[:], tail[:HashSize]) || e.Mode.IsDir() != (n&0o170000 == 0o040000) || e.Mode.IsRegular() != (n&0o170000 == 0o100000) {
				t.Errorf("tree %s: entry %d is %v, want %o %q", h, at, e, n, name)
			}
		}
		rest = tail[HashSize:]
	}
	switch {
	case err != nil && !odd:
		t.Errorf("tree %s is refused: %v", h, err)
	case err == nil && len(entries) != at:
		t.Errorf("tree %s has %d entries, want %d", h, len(entries), at)
	case err != nil:
		return 1
	}
	return 0
}

// compareCommits checks trees, parents, people and times with those that git log tells.
func (c *corpus) compareCommits(t *testing.T, s *Store, commits []plumbing.Hash) {
	var list strings.Builder
	for _, h := range commits {
		if !c.broken[h.String()] {
			fmt.Fprintln(&list, h)
		}
	}
	said := c.git(list.String(), "--no-replace-objects", "log", "--no-walk=unsorted", "--stdin", "-z", "--format=%H%n%T%n%P%n%an%n%ae%n%cn%n%ce%n%ct%n%e")
	for entry := range strings.SplitSeq(strings.TrimSuffix(said, "\x00"), "\x00") {
		want := strings.Split(entry, "\n")
		if len(want) != 9 {
			t.Fatalf("git says %q", entry)
		}
		got, err := s.Commit(plumbing.NewHash(want[0]))
		if err != nil {
			t.Errorf("commit %s: %v", want[0], err)
			continue
		}
		parents := strings.Join(texts(got.ParentHashes), " ")
		if got.TreeHash.String() != want[1] || parents != want[2] {
			t.Errorf("commit %s: tree %s, parents %q; git says %s, %q", want[0], got.TreeHash, parents, want[1], want[2])
		}
		if c.strange[want[0]] {
			continue // nobody agrees on who wrote it
		}
		if want[8] != "" { // git shows names in UTF-8
			want[3], want[5] = got.Author.Name, got.Committer.Name
		}
		if got.Author.Name != want[3] || got.Author.Email != want[4] || got.Committer.Name != want[5] || got.Committer.Email != want[6] || fmt.Sprint(got.Committer.When.Unix()) != want[7] {
			t.Errorf("commit %s: by %q <%s>, %q <%s> at %d; git says %q", want[0], got.Author.Name, got.Author.Email, got.Committer.Name, got.Committer.Email, got.Committer.When.Unix(), want[3:8])
		}
	}
}
