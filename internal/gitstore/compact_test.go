package gitstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore/gittest"
)

// fetches is a mirror that a pack is added to by each fetch, as git packs it.
type fetches struct {
	r     *gittest.Repo
	dir   string // bare
	store *Store
	last  string
}

func newFetches(t *testing.T) *fetches {
	t.Helper()
	f := &fetches{r: gittest.New(t), dir: filepath.Join(t.TempDir(), "mirror.git")}
	f.r.Feed("", "", "init", "-q", "--bare", "-b", "main", f.dir)
	var err error
	f.store, err = Open(false, filepath.Join(f.dir, "objects"))
	gittest.Must(t, err)
	t.Cleanup(func() { gittest.Must(t, f.store.Close()) })
	return f
}

// fetch adds what is new up to the commit, with the flags of git pack-objects.
func (f *fetches) fetch(t *testing.T, commit string, flags ...string) {
	t.Helper()
	revs := commit + "\n"
	if f.last != "" {
		revs += "^" + f.last + "\n"
	}
	pack := f.r.Raw(f.r.Dir, revs, append([]string{"pack-objects", "-q", "--revs", "--stdout"}, flags...)...)
	name, err := Receive(t.Context(), strings.NewReader(pack), filepath.Join(f.dir, "objects", "pack"), 1<<30, plumbing.NewHash(commit))
	gittest.Must(t, err)
	gittest.Must(t, f.store.Add(name))
	f.last = commit
	f.r.Feed(f.dir, "", "update-ref", "refs/heads/main", commit)
}

func (f *fetches) compact(ctx context.Context) error {
	replace, err := f.store.JoinPacks(ctx)
	if err != nil {
		return err
	}
	return replace()
}

// all is the objects of the store by name, read by us.
func (f *fetches) all(t *testing.T) map[plumbing.Hash]string {
	t.Helper()
	found := map[plumbing.Hash]string{}
	for _, p := range *f.store.packs.Load() {
		entries, err := p.entries()
		gittest.Must(t, err)
		for _, e := range entries {
			o, err := f.store.Object(e.name, MaxObject)
			gittest.Must(t, err)
			found[e.name] = o.Kind.String() + string(o.Data)
		}
	}
	return found
}

// Law: compacting changes neither an object nor what git reads, and leaves few packs.
func TestCompact(t *testing.T) {
	f, random := newFetches(t), rand.New(rand.NewPCG(5, 6))
	flags := [][]string{nil, {"--delta-base-offset"}, {"--no-reuse-delta", "--delta-base-offset", "--depth=200"}}
	large := strings.Repeat("a line that is in every version\n", 100)
	var texts []string
	for i := range 90 {
		at := random.IntN(len(large))
		large = large[:at] + fmt.Sprintf("version %d\n", i) + large[at:]
		text := large
		if len(texts) > 0 && random.IntN(4) == 0 {
			text = texts[random.IntN(len(texts))] // a revert: the server sends what is there already
		}
		texts = append(texts, text)
		commit := f.r.Commit(map[string]string{"large.yaml": text, fmt.Sprintf("in/%d.yaml", random.IntN(9)): fmt.Sprint("version: ", i)})
		f.fetch(t, commit, flags[random.IntN(len(flags))]...)
		if i%30 != 29 {
			continue
		}
		before := f.all(t)
		gittest.Must(t, f.compact(t.Context()))
		if !maps.Equal(before, f.all(t)) {
			t.Error("the store has other objects")
		}
		if n := f.store.PackCount(); n > 5 {
			t.Errorf("after %d fetches it has %d packs", i+1, n)
		}
	}
	files, err := filepath.Glob(filepath.Join(f.dir, "objects", "pack", "*"))
	gittest.Must(t, err)
	if len(files) != 2*f.store.PackCount() {
		t.Errorf("there are %q for %d packs", files, f.store.PackCount())
	}
	f.r.Feed(f.dir, "", "fsck", "--strict", "--full")
	for _, name := range files {
		if strings.HasSuffix(name, ".idx") {
			f.r.Feed(f.dir, "", "verify-pack", name)
		}
	}
	if got := strings.Count(f.r.Feed(f.dir, "", "log", "--format=%H", "main"), "\n"); got != 89 {
		t.Errorf("git reads %d commits", got+1)
	}
}

// An object that an earlier pack has is left out between a delta and its base.
func TestCompact_twice(t *testing.T) {
	f := newFetches(t)
	blob := func(text string) (int64, []byte) { return int64(len(text)), []byte(text) }
	base, other := "a base of a delta", "an object that both packs have"
	delta := append([]byte{byte(len(base)), byte(len(base)) + 1, 0x90, byte(len(base))}, 1, '!')
	packs := []packOf{
		{{kind: plumbing.BlobObject}, {kind: plumbing.BlobObject}},
		{{kind: plumbing.BlobObject}, {kind: plumbing.BlobObject}, {kind: plumbing.OFSDeltaObject, size: int64(len(delta)), data: delta, more: 1}},
	}
	packs[0][0].size, packs[0][0].data = blob(other)
	packs[0][1].size, packs[0][1].data = blob(strings.Repeat("what makes this pack the larger one", 9))
	packs[1][0].size, packs[1][0].data = blob(base)
	packs[1][1].size, packs[1][1].data = blob(other)
	for _, p := range packs {
		name, err := Receive(t.Context(), bytes.NewReader(p.bytes(len(p))), filepath.Join(f.dir, "objects", "pack"), 1<<20)
		gittest.Must(t, err)
		gittest.Must(t, f.store.Add(name))
	}
	gittest.Must(t, f.compact(t.Context()))
	o, err := f.store.Object(HashObject(plumbing.BlobObject, []byte(base+"!")), MaxObject)
	if err != nil || string(o.Data) != base+"!" || f.store.PackCount() != 1 {
		t.Errorf("it reads %q, %v, from %d packs", o.Data, err, f.store.PackCount())
	}
}

// What a compaction costs follows from what is new, and not from what was cloned.
func TestCompact_leavesLargePacks(t *testing.T) {
	f := newFetches(t)
	noise := make([]byte, 256<<10)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	f.fetch(t, f.r.Commit(map[string]string{"noise": string(noise)}))
	large := (*f.store.packs.Load())[0].name
	for i := range 8 {
		f.fetch(t, f.r.Commit(map[string]string{"a.yaml": fmt.Sprint("version: ", i)}))
	}
	gittest.Must(t, f.compact(t.Context()))
	var names []string
	for _, p := range *f.store.packs.Load() {
		names = append(names, p.name)
	}
	if len(names) != 2 || !slices.Contains(names, large) {
		t.Errorf("the packs are %q, want %s and one more", names, large)
	}
	gittest.Must(t, f.compact(t.Context()))
	if n := f.store.PackCount(); n != 2 {
		t.Errorf("compacted once more there are %d packs", n)
	}
}

// While packs are joined, the store is read and gets others.
func TestCompact_whileUsed(t *testing.T) {
	f := newFetches(t)
	for i := range 4 {
		f.fetch(t, f.r.Commit(map[string]string{"a.yaml": fmt.Sprint("version: ", i)}))
	}
	replace, err := f.store.JoinPacks(t.Context())
	gittest.Must(t, err)
	f.fetch(t, f.r.Commit(map[string]string{"a.yaml": "version: 5"}))
	before := f.all(t)
	gittest.Must(t, replace())
	if f.store.PackCount() != 2 || !maps.Equal(before, f.all(t)) {
		t.Errorf("there are %d packs, or other objects", f.store.PackCount())
	}
}

// A compaction that fails leaves the packs as they are.
func TestCompact_fails(t *testing.T) {
	f := newFetches(t)
	for i := range 4 {
		f.fetch(t, f.r.Commit(map[string]string{"a.yaml": fmt.Sprint("version: ", i)}))
	}
	before := f.all(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.compact(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled, it returns %v", err)
	}
	p := (*f.store.packs.Load())[1]
	gittest.Must(t, os.Chmod(p.name+".pack", 0o600))
	data, err := os.ReadFile(p.name + ".pack")
	gittest.Must(t, err)
	damaged := slices.Clone(data)
	damaged[len(damaged)-int(HashSize)-3] ^= 0xff
	gittest.Must(t, os.WriteFile(p.name+".pack", damaged, 0o600))
	if err := f.compact(t.Context()); err == nil {
		t.Error("it compacts what is damaged")
	}
	gittest.Must(t, os.WriteFile(p.name+".pack", data, 0o600))
	if left, _ := filepath.Glob(filepath.Join(f.dir, "objects", "pack", "tmp_*")); left != nil {
		t.Errorf("it leaves %q", left)
	}
	if f.store.PackCount() != 4 || !maps.Equal(before, f.all(t)) {
		t.Errorf("there are %d packs, or other objects", f.store.PackCount())
	}
}
