package source

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/internal/source/signature"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// trail is a history of commits that are signed in every way, with merges, as a model
// knows it. It is made by git and ssh-keygen.
type trail struct {
	r       *repo
	ids     []string
	parents map[string][]string
	by      map[string]string // ann, old, eve or nobody
	ann     signer
	old     signer
}

func newTrail(t *testing.T, n int) *trail {
	r := newRepo(t)
	l := &trail{r: r, parents: map[string][]string{}, by: map[string]string{}, ann: newSigner(r), old: newSigner(r)}
	eve := newSigner(r)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for i := range n {
		var parents []string
		if i > 0 {
			parents = append(parents, l.ids[max(0, i-1-rnd.IntN(4))])
		}
		if i > 4 && rnd.IntN(4) == 0 {
			parents = append(parents, l.ids[rnd.IntN(i)])
		}
		by := []string{"ann", "ann", "ann", "ann", "old", "eve", "nobody", "nobody"}[rnd.IntN(8)]
		args := []string{"commit-tree", "-m", fmt.Sprint(i)}
		for _, p := range slices.Compact(parents) {
			args = append(args, "-p", p)
		}
		switch by {
		case "ann":
			args = append(args, "-S"+l.ann.file)
		case "old":
			args = append(args, "-S"+l.old.file)
		case "eve":
			args = append(args, "-S"+eve.file)
		}
		r.Write(map[string]string{"a.yaml": specOf("a", i+1)})
		r.Git("add", "-A")
		id := r.Git(append(args, r.Git("write-tree"))...)
		l.ids, l.parents[id], l.by[id] = append(l.ids, id), slices.Compact(parents), by
		r.Git("push", "-q", "origin", id+":refs/heads/"+fmt.Sprint("keep", i))
	}
	return l
}

// led returns what led to a commit, and itself.
func (l *trail) led(to string) map[string]bool {
	all := map[string]bool{}
	for todo := []string{to}; len(todo) > 0; todo = todo[1:] {
		if c := todo[0]; c != "" && !all[c] {
			all[c] = true
			todo = append(todo, l.parents[c]...)
		}
	}
	return all
}

// following is a daemon's source, and what a model says of it.
type following struct {
	*trail
	t        *rapid.T
	g        *Git
	config   GitConfig
	head     string
	mark     string
	revision string
	trusted  map[string]bool
	expired  bool // the key old
}

// TestTrust: head, strict and off in every order, by reload and by restart: the mark never
// moves back, a commit that is signed is never said not to be, whatever counts in one mode
// counts after a change of it, and one approval lets a commit through.
func TestTrust(t *testing.T) {
	l := newTrail(t, 40)
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "m")
		must(t, err)
		f := &following{trail: l, t: rt, trusted: map[string]bool{}}
		f.config = GitConfig{URL: l.r.Dir, Mirror: filepath.Join(dir, "m.git"), AllowedSignersFile: filepath.Join(dir, "signers"), Verify: VerifyHead}
		f.signers()
		f.push(l.ids[0])
		f.start()
		defer func() { must(t, f.g.Close()) }()
		at := 0
		for range rapid.IntRange(3, 25).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"push", "push", "push", "push", "back", "reload", "restart", "approve", "expire"}).Draw(rt, "step") {
			case "push":
				at = min(at+rapid.IntRange(1, 5).Draw(rt, "by"), len(l.ids)-1)
				f.push(l.ids[at])
			case "back":
				at = rapid.IntRange(0, at).Draw(rt, "to")
				f.push(l.ids[at])
			case "reload":
				f.config.Verify = f.drawMode()
				swap, err := f.g.Reload(f.config)
				f.must(err)
				swap()
			case "restart":
				f.config.Verify = f.drawMode()
				f.must(f.g.Close())
				f.start()
			case "approve":
				f.approve()
			case "expire":
				f.expired = true
				f.signers()
			}
			f.poll()
		}
	})
}

func (f *following) drawMode() Verify {
	return rapid.SampledFrom([]Verify{VerifyOff, VerifyHead, VerifyStrict}).Draw(f.t, "mode")
}

func (f *following) must(err error) {
	if err != nil {
		f.t.Fatal(err)
	}
}

// signers writes whom to trust. All commits were made when the key old was valid.
func (f *following) signers() {
	until := "20990101"
	if f.expired {
		until = "20240101"
	}
	text := "ann@example.com " + f.ann.line + "\nold@example.com valid-before=\"" + until + "\" " + f.old.line + "\n"
	f.must(os.WriteFile(f.config.AllowedSignersFile, []byte(text), 0o600))
}

func (f *following) push(id string) {
	f.head = id
	f.must(os.WriteFile(filepath.Join(f.r.Dir, "refs", "heads", "main"), []byte(id+"\n"), 0o600))
}

func (f *following) start() {
	c := f.config
	c.Since, c.Verified, c.Trusted = f.revision, f.mark, slices.Collect(maps.Keys(f.trusted))
	g, err := OpenGit(c)
	f.must(err)
	f.g = g
}

// approve lets the newest count, if it does not.
func (f *following) approve() {
	_, err := f.g.Poll(f.t.Context())
	u, ok := errors.AsType[*plan.Unverified](err)
	if !ok {
		return
	}
	f.trusted[u.Head.Commit] = true
	f.g.Trust(slices.Collect(maps.Keys(f.trusted)))
	rev, err := f.g.Poll(f.t.Context())
	if err != nil || rev.ID != f.head {
		f.t.Fatalf("%s was approved: %v, %v", f.head, rev, err)
	}
	f.moved(rev)
}

func (f *following) counts(c string) bool {
	return f.trusted[c] || f.by[c] == "ann" || f.by[c] == "old" && (!f.expired || c == f.mark)
}

// fault returns the commit for which the newest does not count, by the model; or "".
func (f *following) fault() string {
	switch {
	case f.config.Verify == VerifyOff:
		return ""
	case !f.counts(f.head):
		return f.head
	case f.config.Verify == VerifyHead || f.head == f.mark || f.trusted[f.head] || f.mark == "":
		return ""
	}
	known := f.led(f.mark)
	for c := f.head; len(f.parents[c]) > 0; {
		if c = f.parents[c][0]; known[c] || f.trusted[c] {
			return ""
		}
		if !f.counts(c) {
			return c
		}
	}
	return ""
}

func (f *following) poll() {
	want := f.fault()
	rev, err := f.g.Poll(f.t.Context())
	u, _ := errors.AsType[*plan.Unverified](err)
	switch {
	case want == "" && err != nil, want != "" && u == nil:
		f.t.Fatalf("%s in mode %s, after %s: %v; at fault is %q", f.head, f.config.Verify, f.mark, err, want)
	case want == "":
		if rev.ID != f.head {
			f.t.Fatalf("the revision is %s, want %s", rev.ID, f.head)
		}
		f.moved(rev)
		return
	}
	unsigned, by := errors.Is(u.Err, signature.ErrUnsigned), f.by[u.Fault.Commit]
	if u.Fault.Commit != want || u.Head.Commit != f.head || unsigned != (by == "nobody") {
		f.t.Fatalf("%s, by %s, is at fault: %v; want %s", u.Fault.Commit, by, u.Err, want)
	}
	if rev != nil && rev.ID != f.revision || rev == nil && f.counts(f.revision) && f.revision == f.mark {
		f.t.Fatalf("%v stands, want %s, by %s", rev, f.revision, f.by[f.revision])
	}
}

// moved checks where the mark is after a revision that counts.
func (f *following) moved(rev *reconcile.Revision) {
	want := f.head
	if f.mark != "" && f.led(f.mark)[f.head] {
		want = f.mark
	}
	if rev.Verified != want {
		f.t.Fatalf("the mark is %s, and was %s: want %s", rev.Verified, f.mark, want)
	}
	f.mark, f.revision = rev.Verified, rev.ID
}
