package source

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/specfiles"
	"github.com/wedatasync/wedatasync/spec"
)

// These are the traps of go-git, and of mirrors in general, that are nobody else's:
// shallow repositories are in TestRepositoryReadsRevisions, readers at once in
// TestReadsWhatGitReads, what a killed process leaves in TestMirrorIsKept, servers
// that say nothing in TestSilentServer.

// To compare two trees reads those that differ, and no other: not even an object is
// there of what they have in common.
func TestCompareReadsOnlyWhatDiffers(t *testing.T) {
	remote := startMemory(t)
	files := map[string]string{"in/a.yaml": specOf("a", 1)}
	for i := range 20 {
		files[fmt.Sprintf("in/same%02d/deep/%d.yaml", i, i)] = specOf(fmt.Sprint("s", i), 1)
	}
	files["in/other/deep/b.yaml"] = specOf("b", 1)
	before := remote.commit(plumbing.ZeroHash, files)
	files["in/other/deep/b.yaml"] = specOf("b", 2)
	after := remote.commit(before, files)

	trees := make(map[plumbing.Hash]bool)
	for _, commit := range []plumbing.Hash{before, after} {
		root := remote.treeOf(commit)
		for _, path := range []string{"in", "in/other", "in/other/deep"} {
			trees[remote.lookup(t, root, path)] = true
		}
		trees[root] = true
	}
	var names []plumbing.Hash
	for h := range trees {
		names = append(names, h)
	}
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "pack"), 0o700))
	_, err := gitstore.Receive(t.Context(), bytes.NewReader(remote.pack(names)), filepath.Join(dir, "pack"), 1<<20)
	must(t, err)
	s, err := gitstore.Open(false, dir)
	must(t, err)
	defer s.Close()
	from, err := specfiles.SnapshotAt(s, remote.treeOf(before), "in")
	must(t, err)
	to, err := specfiles.SnapshotAt(s, remote.treeOf(after), "in")
	must(t, err)
	changes, err := specfiles.NewIndex().Changes(s, from, to, "in", specfiles.NewBudget(t.Context(), spec.NewSet()))
	if err != nil || len(changes) != 1 || changes[0].Name != "in/other/deep/b.yaml" {
		t.Errorf("the changes are %v, %v", changes, err)
	}
	if _, err := specfiles.NewIndex().Changes(s, specfiles.Snapshot{}, to, "in", specfiles.NewBudget(t.Context(), spec.NewSet())); err == nil {
		t.Error("all is there: this test cannot fail")
	}
}

// lookup finds a folder in a tree.
func (m *memoryRemote) lookup(t *testing.T, root plumbing.Hash, path string) plumbing.Hash {
	t.Helper()
	for part := range bytes.SplitSeq([]byte(path), []byte("/")) {
		entries, err := gitstore.ParseTree(m.objects[root].Data)
		must(t, err)
		e, ok := gitstore.EntryNamed(entries, string(part))
		if !ok {
			t.Fatalf("there is no %s", path)
		}
		root = e.Hash
	}
	return root
}

// Each fetch adds a pack and opens it: after any number of fetches, packs and open
// files are no more than before so many.
func TestPacksStayFew(t *testing.T) {
	remote, mirror := startMemory(t), filepath.Join(t.TempDir(), "mirror.git")
	g := remote.open(t, mirror)
	defer func() { must(t, g.Close()) }()
	const most = 8
	g.packs = most
	openFiles := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("there is no /proc here")
		}
		return len(entries)
	}
	before := openFiles()
	fetches := 0
	for i := range 10 * most {
		remote.push(map[string]string{"in/a.yaml": specOf("a", i+1)})
		poll(t, g)
		if j := g.mirror.joining; j != nil {
			<-j.done
		}
		fetches++
		packs, err := filepath.Glob(filepath.Join(mirror, "objects", "pack", "pack-*"))
		must(t, err)
		if len(packs) > 2*2*most { // a file and its index
			t.Fatalf("after %d fetches there are %d files in the mirror", fetches, len(packs))
		}
		if n := openFiles(); n > before+2*most+5 {
			t.Fatalf("after %d fetches %d files are open, before there were %d", fetches, n, before)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(mirror, "objects", "pack", "tmp_*")); left != nil {
		t.Errorf("compacting left %v", left)
	}
	if remote.packs != fetches+1 && remote.packs != fetches {
		t.Errorf("%d packs were asked for in %d fetches", remote.packs, fetches)
	}
}

// A process that is killed at any moment of a clone or a compaction leaves a mirror
// that is whole, or none; and the next start clears away the rest.
func TestKilledWhileCloning(t *testing.T) {
	remote, top := startMemory(t), t.TempDir()
	mirror := filepath.Join(top, "mirror.git")
	remote.push(map[string]string{"in/a.yaml": specOf("a", 1)})
	g := remote.open(t, mirror)
	poll(t, g)
	must(t, g.Close())
	steps := []struct {
		name string
		kill func() error
	}{
		{"as the new one is begun", func() error {
			_, err := createMirror(mirror+".new", remote.URL, "refs/heads/main", false)
			return err
		}},
		{"as a pack comes in", func() error {
			_, err := createMirror(mirror+".new", remote.URL, "refs/heads/main", false)
			must(t, err)
			return os.WriteFile(filepath.Join(mirror+".new", "objects", "pack", "tmp_pack_1"), []byte("PACK"), 0o600)
		}},
		{"when the old one is gone", func() error { return os.Rename(mirror, mirror+".new") }},
		{"as the old one goes", func() error {
			must(t, os.CopyFS(mirror+".new", os.DirFS(mirror)))
			return os.RemoveAll(filepath.Join(mirror, "objects"))
		}},
		{"as packs are joined", func() error {
			return os.WriteFile(filepath.Join(mirror, "objects", "pack", "pack-without-an-index.pack"), []byte("PACK"), 0o600)
		}},
		{"as what was parsed is saved", func() error {
			return os.WriteFile(filepath.Join(mirror, "objects", "pack", "tmp_specs"), []byte("wedatasync specs"), 0o600)
		}},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			must(t, step.kill())
			g := remote.open(t, mirror)
			wantSaid(t, poll(t, g), "a v1 in/a.yaml")
			must(t, g.Close())
			var left []string
			for _, pattern := range []string{mirror + ".new*", filepath.Join(mirror, "objects", "pack", "tmp_*"), filepath.Join(mirror, "objects", "pack", "pack-without*")} {
				found, err := filepath.Glob(pattern)
				must(t, err)
				left = append(left, found...)
			}
			if left != nil {
				t.Errorf("there is still %v", left)
			}
		})
	}
}
