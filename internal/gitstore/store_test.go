package gitstore

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore/gittest"
)

// Each object of a real pack is read as git reads it, by many goroutines at once.
func TestReadsWhatGitReads(t *testing.T) {
	r := gittest.New(t)
	random := rand.New(rand.NewPCG(3, 4))
	text := strings.Repeat("a line that is in every version\n", 200)
	for i := range 12 { // deltas of deltas
		at := random.IntN(len(text))
		text = text[:at] + fmt.Sprintf("version %d\n", i) + text[at:]
		r.Write(map[string]string{"large.txt": text, fmt.Sprintf("f%d/%d.yaml", i%3, i): fmt.Sprintf("version: %d\n", i)})
		r.Push("change")
	}
	r.Git("tag", "-a", "-m", "tag", "v1")
	r.Git("push", "-q", "origin", "v1")
	for _, packed := range []string{"loose", "packed", "packed with names of bases"} {
		t.Run(packed, func(t *testing.T) {
			switch packed {
			case "packed":
				r.Bare("repack", "-adfq", "--depth=50")
			case "packed with names of bases":
				r.Bare("-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq")
			}
			s, err := Open(true, filepath.Join(r.Dir, "objects"))
			gittest.Must(t, err)
			defer s.Close()
			list := strings.Fields(r.Bare("cat-file", "--batch-all-objects", "--batch-check=%(objectname)|%(objecttype)|%(objectsize)"))
			if len(list) < 40 {
				t.Fatalf("there are only %d objects", len(list))
			}
			done := make(chan error)
			for range 4 {
				go func() { done <- readAll(s, list) }()
			}
			for range 4 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			if s.Has(plumbing.NewHash(strings.Repeat("12", 20))) {
				t.Error("it has what is not there")
			}
		})
	}
}

// readAll reads objects, which are checked against their names, and their sizes.
func readAll(s *Store, list []string) error {
	list = slices.Clone(list)
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for _, line := range list {
		var size int64
		hash, rest, _ := strings.Cut(line, "|")
		word, digits, _ := strings.Cut(rest, "|")
		if _, err := fmt.Sscan(digits, &size); err != nil {
			return err
		}
		kind, err := plumbing.ParseObjectType(word)
		if err != nil {
			return err
		}
		h := plumbing.NewHash(hash)
		data, err := s.Read(h, kind, size)
		if err != nil {
			return err
		}
		if int64(len(data)) != size {
			return fmt.Errorf("%s has %d bytes, want %d", hash, len(data), size)
		}
		if size == 0 {
			continue
		}
		if _, err := s.Object(h, size-1); err == nil {
			return fmt.Errorf("%s was read beyond its limit", hash)
		}
	}
	return nil
}
