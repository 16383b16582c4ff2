package source

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/source/sourcetest"
	"github.com/wedatasync/wedatasync/internal/speccache"
	"github.com/wedatasync/wedatasync/internal/specfiles"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// The law of a revision: whatever is pushed, however often the process is started anew in
// between, whatever the server can do, and whatever becomes of the parsed specs that are
// kept, polling step by step gives the specs and the plan that reading the last revision
// from scratch gives.
func TestHistories(t *testing.T) {
	if checks := flag.Lookup("rapid.checks"); *long && checks.Value.String() == checks.DefValue {
		must(t, checks.Value.Set("10000"))
		defer func() { must(t, checks.Value.Set(checks.DefValue)) }()
	}
	top := t.TempDir()
	var polls, restarts, partial int
	rapid.Check(t, func(rt *rapid.T) {
		h := newRandomHistory(rt, top)
		defer h.close()
		for range rapid.IntRange(2, 8).Draw(rt, "pushes") {
			h.push()
			if rapid.IntRange(0, 2).Draw(rt, "restart") == 0 {
				h.restart()
				restarts++
			}
			h.check()
			polls++
			if h.git.mirror.partial {
				partial++
			}
		}
	})
	t.Logf("%d polls, %d of them after a restart, %d with a partial mirror", polls, restarts, partial)
	if partial == 0 {
		t.Error("no mirror was partial: what is fetched by name is not tested")
	}
}

// randomHistory is a repository that changes at random, with a source that follows it.
type randomHistory struct {
	rt      *rapid.T
	dir     string
	path    string // of the specs
	plain   bool   // the server has not always given single files to this process
	remote  *memoryRemote
	states  []map[string]string
	heads   []plumbing.Hash
	git     *Git
	plans   *reconcile.Reconciler
	records map[spec.Key]*state.Record
}

func newRandomHistory(rt *rapid.T, top string) *randomHistory {
	dir, err := os.MkdirTemp(top, "")
	if err != nil {
		rt.Fatal(err)
	}
	h := &randomHistory{rt: rt, dir: dir, path: "in", remote: newMemoryRemote(true, true), records: make(map[spec.Key]*state.Record)}
	h.states = append(h.states, map[string]string{"in/README.md": "hello", "also/README.md": "hello"})
	h.heads = append(h.heads, h.remote.commit(plumbing.ZeroHash, h.states[0]))
	for _, task := range []string{"a", "b", "c", "d"} {
		key := spec.Key{ProjectID: "1", TaskID: task}
		applied := plan.AppliedOf(&spec.Commit{Key: key, CommitType: spec.Start, InstanceVersion: 1}, "")
		h.records[key] = &state.Record{Key: key, Status: state.StatusApplied, Applied: &applied}
	}
	h.open()
	return h
}

func (h *randomHistory) open() {
	var err error
	h.git, err = OpenGit(GitConfig{URL: h.remote.URL, Path: h.path, Mirror: filepath.Join(h.dir, "mirror.git")})
	if err != nil {
		h.rt.Fatal(err)
	}
	h.plain = !h.remote.version2 || !h.remote.filters
	h.git.packs = 3 // now and then the mirror is compacted
	h.plans = reconcile.New(reconcile.Config{
		Source: h.git, Guards: func() *plan.Guards { return new(plan.Guards) }, Logger: slog.New(slog.DiscardHandler),
	}, state.NewRecords(slices.Collect(maps.Values(h.records))...), state.Control{})
}

func (h *randomHistory) close() {
	if err := h.git.Close(); err != nil {
		h.rt.Error(err)
	}
	if err := os.RemoveAll(h.dir); err != nil {
		h.rt.Error(err)
	}
	h.remote.Close()
}

// restart ends the process, which may be too sudden for what was parsed to be saved. The
// next one may find it lost, damaged or of another version, and look elsewhere for specs.
func (h *randomHistory) restart() {
	end := rapid.SampledFrom([]string{"saved", "unsaved", "lost", "cut off", "damaged", "of another version"}).Draw(h.rt, "end")
	if end == "unsaved" {
		h.git.saved.unsaved = 0
	}
	if err := h.git.Close(); err != nil {
		h.rt.Fatal(err)
	}
	h.damageSaved(end)
	if rapid.IntRange(0, 4).Draw(h.rt, "move") == 0 {
		h.path = rapid.SampledFrom([]string{"in", "in", "also", "."}).Draw(h.rt, "path")
	}
	h.open()
}

// damageSaved does to the parsed specs what may happen to them.
func (h *randomHistory) damageSaved(how string) {
	name := filepath.Join(h.dir, "mirror.git", speccache.Name)
	data, err := os.ReadFile(name)
	if err != nil {
		return
	}
	switch how {
	case "lost":
		err = os.Remove(name)
	case "cut off":
		err = os.Truncate(name, 200)
	case "damaged":
		data[rapid.IntRange(0, len(data)-1).Draw(h.rt, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(h.rt, "bit")
		err = os.WriteFile(name, data, 0o600)
	case "of another version":
		err = os.WriteFile(name, bytes.Replace(data, []byte("wedatasync specs "), []byte("wedatasync specs 9"), 1), 0o600)
	}
	if err != nil {
		h.rt.Fatal(err)
	}
}

// push changes files at random. Most pushes go on from the last one; others rewrite
// history or undo.
func (h *randomHistory) push() {
	from, like := len(h.heads)-1, len(h.states)-1
	if rapid.IntRange(0, 3).Draw(h.rt, "rewrite") == 0 {
		from = rapid.IntRange(0, from).Draw(h.rt, "from")
		like = rapid.IntRange(0, like).Draw(h.rt, "like")
	}
	h.remote.version2 = rapid.IntRange(0, 5).Draw(h.rt, "version") > 0
	h.remote.filters = rapid.IntRange(0, 5).Draw(h.rt, "filters") > 0
	h.plain = h.plain || !h.remote.version2 || !h.remote.filters
	files := randomSpecs(h.rt, h.states[like])
	h.states = append(h.states, files)
	h.heads = append(h.heads, h.remote.commit(h.heads[from], files))
}

// check polls, and compares with what is read from scratch.
func (h *randomHistory) check() {
	head := h.heads[len(h.heads)-1]
	if _, err := h.plans.Poll(h.rt.Context()); err != nil {
		h.rt.Fatal(err)
	}
	if h.git.byName.whole && !h.plain {
		h.rt.Fatal("everything is fetched from a server that gives single files")
	}
	got := h.git.revision
	p, err := h.plans.Plan(h.rt.Context())
	if err != nil {
		h.rt.Fatal(err)
	}
	if got.ID != head.String() {
		h.rt.Fatalf("the revision is %s, want %s", got.ID, head)
	}
	scratch := specfiles.NewIndex()
	s := h.everything()
	defer s.Close()
	snap, err := specfiles.SnapshotAt(s, h.remote.treeOf(head), h.path)
	if err != nil {
		h.rt.Fatal(err)
	}
	b := specfiles.NewBudget(h.rt.Context(), scratch.Set)
	changes, err := scratch.Changes(s, specfiles.Snapshot{}, snap, h.path, b)
	if err != nil {
		h.rt.Fatal(err)
	}
	parsed, err := specfiles.ParseFiles(s, changes, nil, b)
	if err != nil {
		h.rt.Fatal(err)
	}
	scratch.Apply(changes, parsed.Files)
	if a, b := scratch.Set.Weight(), got.Specs.Weight(); a != b {
		h.rt.Fatalf("the specs weigh %+v from scratch, and %+v", a, b)
	}
	if diff := cmp.Diff(marks(scratch), marks(h.git.index)); diff != "" {
		h.rt.Fatalf("the files differ from those read from scratch (-want +got):\n%s", diff)
	}
	want, same := slices.Collect(scratch.Set.All()), slices.Collect(got.Specs.All())
	if diff := cmp.Diff(want, same); diff != "" {
		h.rt.Fatalf("the specs differ from those read from scratch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(scratch.Set.Problems(), got.Specs.Problems()); diff != "" {
		h.rt.Fatalf("the complaints differ from those read from scratch (-want +got):\n%s", diff)
	}
	fresh := plan.Diff(plan.Input{Specs: scratch.Set, Records: state.NewRecords(slices.Collect(maps.Values(h.records))...)}, time.Now())
	if diff := cmp.Diff(sketch(fresh), sketch(p)); diff != "" {
		h.rt.Fatalf("the plan differs from that made from scratch (-want +got):\n%s", diff)
	}
}

// everything is a store of all that was ever pushed.
func (h *randomHistory) everything() *gitstore.Store {
	dir, err := os.MkdirTemp(h.dir, "all")
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, "pack"), 0o700)
	}
	if err == nil {
		_, err = gitstore.Receive(h.rt.Context(), bytes.NewReader(h.remote.pack(slices.Collect(maps.Keys(h.remote.objects)))), filepath.Join(dir, "pack"), 1<<30)
	}
	s, errOpen := gitstore.Open(false, dir)
	if err = errors.Join(err, errOpen); err != nil {
		h.rt.Fatal(err)
	}
	return s
}

// sketch is what a plan says that its specs and the state are the reason for.
func sketch(p *plan.Plan) (lines []string) {
	lines = append(lines, fmt.Sprint(p.Specs, " specs, ", p.Managed, " managed, ", p.Unchanged, " unchanged, ", p.Hash))
	for _, c := range p.Changes {
		lines = append(lines, fmt.Sprint(c.Key, c.Action, c.Reason, c.Hold, c.Impact, c.Fields, c.Want))
	}
	return lines
}

// randomSpecs changes some files below in/. A text that starts with -> is a link.
func randomSpecs(t *rapid.T, files map[string]string) map[string]string {
	files = maps.Clone(files)
	names := rapid.SampledFrom([]string{
		"in/a.yaml", "in/b.yml", "in/x/a.yaml", "in/x/b.yaml", "in/x/y/c.yaml", "in/drafts/d.yaml", "in/x.txt", "in/.hidden/e.yaml", "in/g.yaml/h.yaml", "in/g.yaml", "out.yaml", "also/i.yaml",
	})
	folders := rapid.SampledFrom([]string{"in/x/", "in/drafts/", "in/x/y/", "in/other/", "also/x/"})
	for range rapid.IntRange(1, 4).Draw(t, "edits") {
		switch rapid.IntRange(0, 6).Draw(t, "edit") {
		case 0:
			delete(files, names.Draw(t, "gone"))
		case 1: // a file is renamed
			from, to := names.Draw(t, "from"), names.Draw(t, "to")
			if text, ok := files[from]; ok {
				delete(files, from)
				files[to] = text
			}
		case 2: // a folder is moved, and replaces what was there
			from, to := folders.Draw(t, "from folder"), folders.Draw(t, "to folder")
			for name, text := range maps.Clone(files) {
				if rest, ok := strings.CutPrefix(name, from); ok {
					delete(files, name)
					files[to+rest] = text
				}
			}
		case 3:
			files["in/"+specfiles.IgnoreFile] = rapid.SampledFrom([]string{"drafts\n", "*.yml\n", "x/*\n!x/a.yaml\n", "# nothing\n"}).Draw(t, "ignore")
		default:
			name := names.Draw(t, "name")
			if len(files[name]) > 64<<10 {
				files[name] = sourcetest.LargeText(t)
			} else {
				files[name] = randomText(t)
			}
		}
	}
	if _, ok := files["in/g.yaml/h.yaml"]; ok {
		delete(files, "in/g.yaml")
	}
	return files
}

// randomText is the text of a file: valid or not, as a whole or in part.
func randomText(t *rapid.T) string {
	switch rapid.IntRange(0, 5).Draw(t, "text") {
	case 0:
		return rapid.SampledFrom([]string{"commits: [", "apiVersion: v9\n", "\x00", "->a.yaml", "apiVersion: wedatasync/v1\ncommits: []\n"}).Draw(t, "odd")
	case 1:
		if rapid.IntRange(0, 3).Draw(t, "large") == 0 {
			return sourcetest.LargeText(t)
		}
		fallthrough
	case 2:
		return specOf(rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "task"), rapid.IntRange(1, 3).Draw(t, "version"))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: wedatasync/v1\ndefaults: {projectId: %q, commitType: %s}\ncommits:\n",
		rapid.SampledFrom([]string{"1", "2"}).Draw(t, "project"), rapid.SampledFrom([]string{"submit", "start", "resume"}).Draw(t, "type"))
	for _, task := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), 1, 3, rapid.ID[string]).Draw(t, "tasks") {
		fmt.Fprintf(&b, "  - {taskId: %s, instanceVersion: %d%s}\n", task, rapid.IntRange(1, 2).Draw(t, "version"), rapid.SampledFrom([]string{
			"", "", ", suspend: maybe", ", dependsOn: [" + string(task[0]%5+'a') + "]", ", extConfig: {k: v, l: w}", ", versionDesc: text, eventDesc: words", ", rerun: again",
		}).Draw(t, "more"))
	}
	return b.String()
}

// marks returns what each file of an index was made from.
func marks(c *specfiles.Index) map[string]string {
	all := make(map[string]string)
	for name := range c.Set.Names() {
		all[name] = c.Set.File(name).Mark
	}
	return all
}
