package source

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/specfiles"
)

// filtering is a repository whose server filters, over http.
func filtering(t testing.TB) (r *repo, web *webServer, got *atomic.Int64) {
	r = newRepo(t)
	r.Bare("config", "uploadpack.allowFilter", "true")
	web, got = r.startWeb(false), new(atomic.Int64)
	web.instead(func(w http.ResponseWriter, req *http.Request, git http.Handler) { git.ServeHTTP(counted{w, got}, req) })
	return r, web, got
}

// noise is a file that cannot be compressed.
func noise(size int) string {
	data := make([]byte, size)
	_, _ = rand.Read(data)
	return string(data)
}

// TestPartial: of a repository whose server filters, the files below the path are fetched,
// and whatever is needed later.
func TestPartial(t *testing.T) {
	r, web, got := filtering(t)
	files := map[string]string{
		"in/a.yaml": specOf("a", 1), "in/b.yaml": specOf("b", 1), "in/.hidden/c.yaml": specOf("c", 1), "in/" + specfiles.IgnoreFile: "drafts\n", "in/drafts/d.yaml": specOf("d", 1),
		"else/e.yaml": specOf("e", 1), "large.bin": noise(1 << 20), "in/x/large.bin": noise(1 << 20), "late.yaml": specOf("l", 1) + "#" + noise(20<<10),
	}
	first := r.Commit(files)
	config := GitConfig{URL: web.url, Path: "in", Mirror: filepath.Join(t.TempDir(), "mirror.git")}
	reopen := func(change func(c *GitConfig)) *Git {
		c := config
		change(&c)
		g, err := OpenGit(c)
		must(t, err)
		return g
	}
	g := reopen(func(*GitConfig) {})
	want := []string{"a v1 in/a.yaml", "b v1 in/b.yaml", "warning not-read in/.hidden/c.yaml", "warning not-read in/drafts/d.yaml"}
	wantSaid(t, poll(t, g), want...)
	if asked := web.asked(); asked != "greeting, refs, pack, pack, pack" || got.Load() > 20_000 {
		t.Errorf("it asks for %s, which takes %d bytes", asked, got.Load())
	}
	if !g.mirror.partial {
		t.Fatal("the mirror is not partial")
	}

	got.Store(0)
	r.Commit(map[string]string{"in/a.yaml": specOf("a", 2), "large.bin": noise(1 << 20), "small.txt": "small"})
	want[0] = "a v2 in/a.yaml"
	wantSaid(t, poll(t, g), want...)
	if asked := web.asked(); asked != "refs, pack" || got.Load() > 10_000 {
		t.Errorf("after a push it asks for %s, which takes %d bytes", asked, got.Load())
	}
	r.Git("mv", "late.yaml", "in/late.yaml")
	r.Push("a file from elsewhere")
	poll(t, g)
	if asked := web.asked(); asked != "refs, pack, pack" || g.index.Set.File("in/late.yaml") == nil {
		t.Errorf("for a file that comes from elsewhere it asks for %s", asked)
	}
	r.Git("mv", "in/late.yaml", "late.yaml")
	head := r.Push("and back")
	poll(t, g)
	if ok, err := g.Descends(t.Context(), first, head); !ok || err != nil {
		t.Errorf("the history is not whole: %v, %v", ok, err)
	}
	if same, err := g.SameSpecs(t.Context(), first, head); same || err != nil {
		t.Errorf("the specs are the same: %v, %v", same, err)
	}
	g.packs = 1
	compacted(t, g)
	wantSaid(t, poll(t, g), want...)
	must(t, g.Close())
	web.asked()

	t.Run("another start", func(t *testing.T) {
		g := reopen(func(*GitConfig) {})
		defer func() { must(t, g.Close()) }()
		wantSaid(t, poll(t, g), want...)
		if asked := web.asked(); asked != "refs" {
			t.Errorf("it asks for %s", asked)
		}
	})
	t.Run("shared", func(t *testing.T) {
		before := listing(t, config.Mirror)
		for path, want := range map[string][]string{"in": want, "else": {"e v1 else/e.yaml"}} {
			g := reopen(func(c *GitConfig) { c.Path, c.Mirror, c.Shared = path, "", config.Mirror })
			wantSaid(t, poll(t, g), want...)
			if !g.mirror.partial || g.mirror.store.PackCount() < 1 {
				t.Error("the mirror is not shared")
			}
			must(t, g.Close())
		}
		if after := listing(t, config.Mirror); !maps.Equal(before, after) {
			t.Errorf("the shared mirror has changed: %v, it was %v", after, before)
		}
	})
	t.Run("another path", func(t *testing.T) {
		g := reopen(func(c *GitConfig) { c.Path = "else" })
		defer func() { must(t, g.Close()) }()
		web.asked()
		wantSaid(t, poll(t, g), "e v1 else/e.yaml")
		if asked := web.asked(); asked != "refs, pack" && asked != "greeting, refs, pack" || !g.mirror.partial {
			t.Errorf("it asks for %s", asked)
		}
	})
	t.Run("the root", func(t *testing.T) {
		g := reopen(func(c *GitConfig) { c.Path = "." })
		defer func() { must(t, g.Close()) }()
		if n := poll(t, g).Specs.Len(); n < 4 || g.mirror.partial {
			t.Errorf("%d specs, of a partial mirror: %v", n, g.mirror.partial)
		}
		r.Feed(g.config.Mirror, "", "fsck", "--strict")
	})
}

// TestPartial_1000 is what DESIGN asks for: specs next to far more of other files.
func TestPartial_bytes(t *testing.T) {
	large := 4 << 20
	if *long {
		large = 150 << 20
	}
	r, web, got := filtering(t)
	files := map[string]string{}
	for i := range 1000 {
		files[fmt.Sprintf("in/%02d/%d.yaml", i/100, i)] = specOf(fmt.Sprint("t", i), 1)
	}
	for i := range 8 {
		files[fmt.Sprintf("assets/%d.bin", i)] = noise(large / 8)
	}
	r.Import("", true, files)
	if n := poll(t, r.open(GitConfig{URL: web.url, Path: "in"})).Specs.Len(); n != 1000 {
		t.Errorf("%d specs", n)
	}
	t.Logf("1000 specs next to %d MiB take %d bytes", large>>20, got.Load())
	if got.Load() > 512<<10 {
		t.Errorf("they take %d bytes", got.Load())
	}
}

// TestPartial_withheld: a server that does not give what it was asked for by name is asked
// for everything, once.
func TestPartial_withheld(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter, req *http.Request, m *memoryRemote){
		"an error": func(w http.ResponseWriter, _ *http.Request, _ *memoryRemote) { sendLines(w, "ERR not our ref") },
		"too large for it": func(w http.ResponseWriter, _ *http.Request, _ *memoryRemote) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		},
		"a page":             func(w http.ResponseWriter, _ *http.Request, _ *memoryRemote) { fmt.Fprint(w, "<html>") },
		"nothing in it":      sendsPack(func(*memoryRemote) []plumbing.Hash { return nil }),
		"some of them":       sendsPack(func(m *memoryRemote) []plumbing.Hash { return m.blobs()[:1] }),
		"the commit instead": sendsPack(func(m *memoryRemote) []plumbing.Hash { return []plumbing.Hash{m.head} }),
		"other content":      sendsPack(func(m *memoryRemote) []plumbing.Hash { return []plumbing.Hash{m.add(plumbing.BlobObject, "forged")} }),
	} {
		t.Run(name, func(t *testing.T) {
			m := startMemory(t)
			m.filters, m.byName = true, answer
			m.push(map[string]string{"in/a.yaml": specOf("a", 1), "in/b.yaml": specOf("b", 1)})
			g := m.open(t, filepath.Join(t.TempDir(), "mirror.git"))
			defer func() { must(t, g.Close()) }()
			wantSaid(t, poll(t, g), "a v1 in/a.yaml", "b v1 in/b.yaml")
			if g.mirror.partial || !g.byName.whole {
				t.Error("the mirror is partial")
			}
			packs := m.packs
			m.push(map[string]string{"in/a.yaml": specOf("a", 2), "in/b.yaml": specOf("b", 1)})
			wantSaid(t, poll(t, g), "a v2 in/a.yaml", "b v1 in/b.yaml")
			if m.packs != packs+1 {
				t.Errorf("%d packs more", m.packs-packs)
			}
		})
	}
	t.Run("a server that is away", func(t *testing.T) {
		m := startMemory(t)
		m.filters = true
		m.byName = func(w http.ResponseWriter, _ *http.Request, _ *memoryRemote) {
			http.Error(w, "back soon", http.StatusServiceUnavailable)
		}
		m.push(map[string]string{"in/a.yaml": specOf("a", 1)})
		g := m.open(t, filepath.Join(t.TempDir(), "mirror.git"))
		defer func() { must(t, g.Close()) }()
		for range maxFailed - 1 {
			wantError(t, g, gitremote.ErrUnreachable, "back soon")
		}
		wantSaid(t, poll(t, g), "a v1 in/a.yaml")
		if g.mirror.partial {
			t.Error("the mirror is partial")
		}
	})
	t.Run("more than may be fetched", func(t *testing.T) {
		m := startMemory(t)
		m.filters = true
		m.push(map[string]string{"in/a.yaml": specOf("a", 1), "in/b.yaml": "# " + noise(64<<10)})
		g, err := OpenGit(GitConfig{URL: m.URL, Path: "in", MaxPack: 32 << 10})
		must(t, err)
		defer func() { must(t, g.Close()) }()
		for range 2 {
			wantError(t, g, gitstore.ErrTooLarge, "")
		}
		if g.byName.whole {
			t.Error("everything is fetched")
		}
	})
	t.Run("no trees", func(t *testing.T) { // a filter that leaves out more than it was asked to
		m := startMemory(t)
		m.filters, m.noTrees = true, true
		m.push(map[string]string{"in/a.yaml": specOf("a", 1)})
		g := m.open(t, filepath.Join(t.TempDir(), "mirror.git"))
		defer func() { must(t, g.Close()) }()
		wantSaid(t, poll(t, g), "a v1 in/a.yaml")
	})
	t.Run("a filter that is ignored", func(t *testing.T) {
		m := startMemory(t)
		m.filters, m.ignores = true, true
		m.push(map[string]string{"in/a.yaml": specOf("a", 1), "b.yaml": specOf("b", 1)})
		g := m.open(t, filepath.Join(t.TempDir(), "mirror.git"))
		defer func() { must(t, g.Close()) }()
		wantSaid(t, poll(t, g), "a v1 in/a.yaml")
		if m.packs != 1 {
			t.Errorf("it asked for %d packs", m.packs)
		}
	})
}

// sendsPack answers with a pack of some objects.
func sendsPack(of func(*memoryRemote) []plumbing.Hash) func(http.ResponseWriter, *http.Request, *memoryRemote) {
	return func(w http.ResponseWriter, _ *http.Request, m *memoryRemote) {
		fmt.Fprint(w, "000dpackfile\n")
		sendBand(w, m.pack(of(m)))
	}
}

// blobs lists the files of a repository.
func (m *memoryRemote) blobs() (names []plumbing.Hash) {
	for h, o := range m.objects {
		if o.Kind == plumbing.BlobObject {
			names = append(names, h)
		}
	}
	return names
}

// TestPartial_stops: a server that filters no more, or that speaks version 0 again, sends
// what is new, and everything if that does not do.
func TestPartial_stops(t *testing.T) {
	for _, version2 := range []bool{true, false} {
		t.Run(fmt.Sprintf("version 2 %v", version2), func(t *testing.T) {
			m := startMemory(t)
			m.filters = true
			files := map[string]string{"in/a.yaml": specOf("a", 1), "b.yaml": specOf("b", 1) + "#" + strings.Repeat("x", 20<<10)}
			m.push(files)
			g := m.open(t, filepath.Join(t.TempDir(), "mirror.git"))
			defer func() { must(t, g.Close()) }()
			wantSaid(t, poll(t, g), "a v1 in/a.yaml")
			m.filters, m.version2 = false, version2
			files["in/a.yaml"] = specOf("a", 2)
			m.push(files)
			wantSaid(t, poll(t, g), "a v2 in/a.yaml")
			if !g.mirror.partial {
				t.Fatal("the mirror is made anew for what it has")
			}
			files["in/b.yaml"] = files["b.yaml"] // which the server believes is there
			m.push(files)
			wantSaid(t, poll(t, g), "a v2 in/a.yaml", "b v1 in/b.yaml")
			if g.mirror.partial != version2 {
				t.Errorf("the mirror is partial: %v", g.mirror.partial)
			}
		})
	}
}
