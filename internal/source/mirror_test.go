package source

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitremote"
)

// The mirror outlives the source: the next one fetches only what is new.
func TestMirrorIsKept(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1), "b.yaml": specOf("b", 1)})
	web := r.startWeb(false)
	config := GitConfig{URL: web.url, Mirror: filepath.Join(t.TempDir(), "m", "mirror.git")}
	reopen := func(c GitConfig) *Git {
		g, err := OpenGit(c)
		must(t, err)
		return g
	}
	g := reopen(config)
	poll(t, g)
	must(t, g.Close())
	web.asked()

	g = reopen(config)
	wantSaid(t, poll(t, g), "a v1 a.yaml", "b v1 b.yaml")
	if got := web.asked(); got != "refs" {
		t.Errorf("after a restart it asked %s", got)
	}
	must(t, g.Close())
	if got := r.Feed(config.Mirror, "", "log", "--format=%s", "main"); got != "change" {
		t.Errorf("git reads %q from the mirror", got)
	}
	r.Feed(config.Mirror, "", "fsck", "--strict")

	t.Run("what is remembered of the server need not hold", func(t *testing.T) {
		name := filepath.Join(config.Mirror, serverFile)
		kept, err := os.ReadFile(name)
		must(t, err)
		for version := 2; version < 12; version++ {
			text := []string{string(kept), "{}", `{"filters":true}`, `{"filters":`, "null"}[version/2-1]
			must(t, os.WriteFile(name, []byte(text), 0o600))
			web.version0 = version%2 == 0
			r.Commit(map[string]string{"a.yaml": specOf("a", version), "b.yaml": specOf("b", 1)})
			g := reopen(config)
			wantSaid(t, poll(t, g), fmt.Sprintf("a v%d a.yaml", version), "b v1 b.yaml")
			must(t, g.Close())
		}
	})
	t.Run("by one process at a time", func(t *testing.T) {
		g := reopen(config)
		defer g.Close()
		if _, err := OpenGit(config); !errors.Is(err, ErrMirror) || !strings.Contains(err.Error(), "in use by another process") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("what a killed process left is swept", func(t *testing.T) {
		left := []string{
			filepath.Join(config.Mirror, "objects", "pack", "tmp_pack_123"),
			filepath.Join(config.Mirror, "objects", "pack", "tmp_idx_123"),
		}
		for _, name := range left {
			must(t, os.WriteFile(name, []byte("PACK"), 0o600))
		}
		must(t, os.Mkdir(config.Mirror+".new", 0o700))
		must(t, os.WriteFile(filepath.Join(config.Mirror+".new", markerFile), nil, 0o600))
		g := reopen(config)
		defer g.Close()
		poll(t, g)
		for _, name := range append(left, config.Mirror+".new") {
			if _, err := os.Lstat(name); err == nil {
				t.Errorf("%s is still there", name)
			}
		}
	})
	t.Run("of another source it is replaced", func(t *testing.T) {
		other := newRepo(t)
		other.Commit(map[string]string{"c.yaml": specOf("c", 1)})
		g := reopen(GitConfig{URL: other.Dir, Mirror: config.Mirror})
		defer g.Close()
		wantSaid(t, poll(t, g), "c v1 c.yaml")
	})
	t.Run("a temporary one goes with the source", func(t *testing.T) {
		g := reopen(GitConfig{URL: r.Dir})
		poll(t, g)
		must(t, g.Close())
		if _, err := os.Stat(filepath.Dir(g.config.Mirror)); err == nil {
			t.Errorf("%s is still there", g.config.Mirror)
		}
	})
	t.Run("what is no mirror is never removed", func(t *testing.T) {
		keep := writeFile(t, "precious", "data")
		g := reopen(GitConfig{URL: r.Dir, Mirror: filepath.Dir(keep)})
		defer g.Close()
		wantError(t, g, ErrMirror, "it holds something else")
		if _, err := os.Stat(keep); err != nil {
			t.Error(err)
		}
	})
}

// Whatever has happened to the mirror on disk, a poll gives what the branch says:
// the mirror is only a copy.
func TestDamagedMirror(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1), "b.yaml": specOf("b", 1)})
	mirror := filepath.Join(t.TempDir(), "mirror.git")
	config := GitConfig{URL: r.Dir, Mirror: mirror}
	g, err := OpenGit(config)
	must(t, err)
	poll(t, g)
	must(t, g.Close())
	whole := t.TempDir()
	must(t, os.CopyFS(whole, os.DirFS(mirror)))

	packs, err := filepath.Glob(filepath.Join(mirror, "objects", "pack", "pack-*"))
	must(t, err)
	files := append(packs, filepath.Join(mirror, "refs", "heads", "main"), filepath.Join(mirror, markerFile))
	damages := []struct {
		name string
		do   func(path string, data []byte) error
	}{
		{"removed", func(path string, _ []byte) error { return os.Remove(path) }},
		{"emptied", func(path string, _ []byte) error { return os.Truncate(path, 0) }},
		{"cut in half", func(path string, data []byte) error { return os.Truncate(path, int64(len(data)/2)) }},
	}
	if len(packs) != 2 {
		t.Fatalf("the mirror has %v", packs)
	}
	for _, path := range files {
		for _, damage := range damages {
			t.Run(damage.name+" "+filepath.Ext(path), func(t *testing.T) {
				must(t, os.RemoveAll(mirror))
				must(t, os.CopyFS(mirror, os.DirFS(whole)))
				data, err := os.ReadFile(path)
				must(t, err)
				must(t, os.Chmod(path, 0o600))
				must(t, damage.do(path, data))
				g, err := OpenGit(config)
				must(t, err)
				defer g.Close()
				rev, err := g.Poll(t.Context())
				must(t, err)
				wantSaid(t, rev, "a v1 a.yaml", "b v1 b.yaml")
			})
		}
	}
	t.Run("bits flipped", func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		for range 20 {
			must(t, os.RemoveAll(mirror))
			must(t, os.CopyFS(mirror, os.DirFS(whole)))
			path := packs[random.IntN(len(packs))]
			data, err := os.ReadFile(path)
			must(t, err)
			must(t, os.Chmod(path, 0o600))
			at := random.IntN(len(data))
			data[at] ^= 1 << random.IntN(8)
			must(t, os.WriteFile(path, data, 0o600))
			g, err := OpenGit(config)
			must(t, err)
			rev, err := g.Poll(t.Context())
			if err != nil {
				t.Fatalf("%s, byte %d of %d: %v", filepath.Ext(path), at, len(data), err)
			}
			wantSaid(t, rev, "a v1 a.yaml", "b v1 b.yaml")
			must(t, g.Close())
		}
	})
}

// While it is used, too: and the Set stays the same one, even if nothing of what
// it was made from can be found any more.
func TestDamageWhileRunning(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1), "b.yaml": specOf("b", 1), "c.yaml": specOf("c", 1)})
	g := r.open(GitConfig{})
	before := poll(t, g)

	must(t, g.dropMirror())
	r.Git("checkout", "-q", "--orphan", "other")
	r.Commit(map[string]string{"a.yaml": "", "b.yaml": specOf("b", 2), "d.yaml": specOf("d", 1)})
	r.Bare("reflog", "expire", "--expire=now", "--all")
	r.Bare("gc", "-q", "--prune=now")
	rev := poll(t, g)
	wantSaid(t, rev, "b v2 b.yaml", "c v1 c.yaml", "d v1 d.yaml")
	if rev.Specs != before.Specs {
		t.Error("the Set is another one")
	}
}

// compacted has the mirror compacted: the poll after the packs were joined puts the new one
// in their place.
func compacted(t *testing.T, g *Git) {
	t.Helper()
	if g.mirror.joining == nil {
		must(t, g.mirror.compact(t.Context(), g.packs))
	}
	if g.mirror.joining == nil {
		t.Fatalf("with %d packs nothing is compacted", g.mirror.store.PackCount())
	}
	<-g.mirror.joining.done
	poll(t, g)
}

// Each fetch adds a pack. When there are many they are joined, without asking for anything.
func TestMirrorIsCompacted(t *testing.T) {
	r := newRepo(t)
	old := r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	web := r.startWeb(false)
	g := r.open(GitConfig{URL: web.url})
	poll(t, g)
	const most = 3
	g.packs = most
	for version := 2; version < 12; version++ {
		r.Commit(map[string]string{"a.yaml": specOf("a", version)})
		wantSaid(t, poll(t, g), fmt.Sprintf("a v%d a.yaml", version))
		before := g.mirror.store.PackCount()
		if before <= most {
			if g.mirror.joining != nil {
				t.Errorf("%d packs are joined", before)
			}
			continue
		}
		web.asked()
		compacted(t, g)
		if got := web.asked(); got != askRefs {
			t.Errorf("with nothing new it asked %s", got)
		}
		if after := g.mirror.store.PackCount(); after > 2 {
			t.Errorf("of %d packs %d are left", before, after)
		}
	}
	if ok, err := g.Descends(t.Context(), old, g.revision.ID); !ok || err != nil {
		t.Errorf("its history is lost: %v, %v", ok, err)
	}
	r.Feed(g.config.Mirror, "", "fsck", "--strict")
}

// No poll waits for packs to be joined, and a source that is closed meanwhile leaves a
// mirror that is whole.
func TestPollsGoOnDuringACompaction(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	g := r.open(GitConfig{})
	poll(t, g)
	g.packs = 1
	ctx, cancel := context.WithCancel(t.Context())
	endless := &joining{cancel: cancel, done: make(chan struct{}), err: context.Canceled}
	go func() {
		<-ctx.Done()
		close(endless.done)
	}()
	g.mirror.joining = endless
	for version := 2; version < 6; version++ {
		r.Commit(map[string]string{"a.yaml": specOf("a", version)})
		wantSaid(t, poll(t, g), fmt.Sprintf("a v%d a.yaml", version))
	}
	if g.mirror.joining != endless {
		t.Error("another compaction has begun")
	}
	must(t, g.Close())
	if ctx.Err() == nil {
		t.Error("it goes on after the source was closed")
	}
	r.Feed(g.config.Mirror, "", "fsck", "--strict")
}

// After a failure it is tried again when so many more packs have come, and after a success as
// at first.
func TestCompactionFails(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	g := r.open(GitConfig{})
	poll(t, g)
	r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
	poll(t, g)
	ended := func(err error, replace func() error) *joining {
		j := &joining{cancel: func() {}, done: make(chan struct{}), replace: replace, err: err}
		close(j.done)
		return j
	}
	failed := errors.New("the disk is full")
	for _, j := range []*joining{ended(failed, nil), ended(nil, func() error { return failed })} {
		g.mirror.joining = j
		if err := g.mirror.compact(t.Context(), 1); !errors.Is(err, failed) {
			t.Errorf("it says %v", err)
		}
		if must(t, g.mirror.compact(t.Context(), 1)); g.mirror.joining != nil {
			t.Error("it is tried again at once")
		}
	}
	g.mirror.joining = ended(nil, func() error { return nil })
	if must(t, g.mirror.compact(t.Context(), 1)); g.mirror.joining == nil {
		t.Error("after a success 2 packs are not joined")
	}
}

// A server that never sends what it promises does not fill the disk: what it sends in
// place of that is not kept.
func TestUselessPacks(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	web := r.startWeb(false)
	g := r.open(GitConfig{URL: web.url})
	poll(t, g)
	packs := filepath.Join(g.config.Mirror, "objects", "pack")
	before, err := os.ReadDir(packs)
	must(t, err)
	r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
	for i := range 3 {
		var p packWriter
		p.put(plumbing.BlobObject, fmt.Appendf(nil, "junk %d", i))
		web.instead(packHostilities(p.bytes))
		wantError(t, g, gitremote.ErrBadAnswer, "is not in it")
	}
	after, err := os.ReadDir(packs)
	must(t, err)
	if len(after) != len(before) || g.mirror.store.PackCount() != 1 {
		t.Errorf("the mirror has %d files and %d packs open, and had %d files", len(after), g.mirror.store.PackCount(), len(before))
	}
	web.instead(nil)
	wantSaid(t, poll(t, g), "a v2 a.yaml")
}

// What is pushed and taken back again and again does not fill the disk, either, even if
// none of it is ever taken over.
func TestMirrorIsBounded(t *testing.T) {
	r := newRepo(t)
	ann := newSigner(r)
	first := r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	const most = 64 << 10
	c := trusting(t, ann)
	c.Verify, c.MaxPack = VerifyHead, most
	g := r.open(c)
	rev := poll(t, g)
	r.unsigned()
	random := rand.NewChaCha8([32]byte{})
	shrunk := false
	push := func(size int) {
		t.Helper()
		r.Git("checkout", "-q", "--detach", first)
		junk := make([]byte, size)
		_, _ = random.Read(junk)
		r.Commit(map[string]string{"junk": string(junk)})
		before := g.mirror.store.Size()
		wantHeld(t, g, rev.ID, "not signed")
		if now := g.mirror.store.Size(); now > 3*most {
			t.Errorf("the mirror has %d bytes, and a pack may have %d", now, most)
		}
		shrunk = shrunk || g.mirror.store.Size() < before
	}
	for range 10 {
		push(most / 2)
	}
	if !shrunk {
		t.Error("the mirror was never made anew")
	}
	g.packs = 2
	for range 10 {
		push(10)
		if j := g.mirror.joining; j != nil {
			<-j.done
		}
		if n := g.mirror.store.PackCount(); n > g.packs+3 {
			t.Errorf("the mirror has %d packs", n)
		}
	}
}
