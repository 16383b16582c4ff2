package source

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/source/folder"
)

// signer is a key that signs commits in a test's checkout.
type signer struct {
	r       *repo
	file    string // of the private key
	line    string // the public key
	program string // gpg with a home of its own; empty: it is a key of SSH
}

// newSigner makes the checkout's commits signed by a key of its own, as people's are.
func newSigner(r *repo) signer {
	r.T.Helper()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		r.T.Skip("ssh-keygen is not installed: git cannot sign without it")
	}
	file, key := newKey(r.T)
	s := signer{r: r, file: file, line: string(marshalKey(key))}
	must(r.T, os.WriteFile(file+".pub", []byte(s.line+"\n"), 0o600))
	s.use()
	return s
}

func (s signer) use() {
	if s.program == "" {
		s.r.Git("config", "gpg.format", "ssh")
	} else {
		s.r.Git("config", "gpg.format", "openpgp")
		s.r.Git("config", "gpg.program", s.program)
	}
	s.r.Git("config", "user.signingKey", s.file)
	s.r.Git("config", "commit.gpgSign", "true")
}

func (r *repo) unsigned() { r.Git("config", "commit.gpgSign", "false") }

func allow(t testing.TB, path string, signers ...signer) {
	t.Helper()
	var b strings.Builder
	for _, s := range signers {
		b.WriteString("bob@example.com " + s.line + "\n")
	}
	must(t, os.WriteFile(path, []byte(b.String()), 0o600))
}

// What nobody trusted has signed is not applied: the revision before stays, until
// there is a signed one on top.
func TestVerifyHead(t *testing.T) {
	r := newRepo(t)
	ann, eve := newSigner(r), newSigner(r)
	keys := filepath.Join(t.TempDir(), "signers")
	allow(t, keys, ann)
	config := GitConfig{Verify: VerifyHead, AllowedSignersFile: keys, Mirror: filepath.Join(t.TempDir(), "mirror.git")}

	ann.use()
	first := r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	g := r.open(config)
	rev := poll(t, g)
	wantSaid(t, rev, "a v1 a.yaml")

	refused := func(name, say string) {
		t.Helper()
		wantHeld(t, g, rev.ID, say)
		if g.revision != rev {
			t.Errorf("%s: the revision is %s", name, g.revision.ID)
		}
		wantSaid(t, rev, "a v1 a.yaml")
	}
	r.unsigned()
	r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
	refused("unsigned", "it is not signed")
	refused("unsigned, again", "it is not signed")
	eve.use()
	r.Commit(map[string]string{"a.yaml": specOf("a", 3)})
	refused("by another key", "a key that is not trusted")
	r.Commit(map[string]string{"a.yaml": ""})
	refused("without any spec", "a key that is not trusted")

	ann.use()
	head := r.Commit(map[string]string{"a.yaml": specOf("a", 4)})
	rev = poll(t, g)
	wantSaid(t, rev, "a v4 a.yaml")

	t.Run("keys are read again", func(t *testing.T) {
		allow(t, keys, eve)
		wantError(t, g, ErrUnverified, "not trusted")
		must(t, os.Remove(keys))
		wantError(t, g, ErrUnverified, "no such file")
		must(t, os.WriteFile(keys, []byte("# nobody\n"), 0o600))
		wantError(t, g, ErrUnverified, "no key to trust")
		allow(t, keys, ann)
		if again := poll(t, g); again != rev {
			t.Errorf("the revision is %v", again)
		}
		g.trust.revoked = writeFile(t, "revoked", ann.line+"\n")
		wantError(t, g, ErrUnverified, "revoked")
		g.trust.revoked = ""
	})
	t.Run("after a restart", func(t *testing.T) {
		must(t, g.Close())
		allow(t, keys, eve)
		restarted := r.open(config)
		wantError(t, restarted, ErrUnverified, "not trusted")
		allow(t, keys, ann)
		if rev := poll(t, restarted); rev.ID != head {
			t.Errorf("the revision is %s", rev.ID)
		}
		g = restarted
	})
	// A signature does not say when: an older signed commit is as good as ever, and
	// that it is older is for Descends to say.
	t.Run("an older commit, played back", func(t *testing.T) {
		r.Git("push", "-q", "-f", "origin", first+":main")
		if rev := poll(t, g); rev.ID != first {
			t.Errorf("the revision is %s", rev.ID)
		}
		if ok, err := g.Descends(t.Context(), head, first); ok || err != nil {
			t.Errorf("it comes after the newer one: %v, %v", ok, err)
		}
	})
}

// Strict is about each commit that the branch itself has gone through since, and
// not about what was merged in.
func TestVerifyStrict(t *testing.T) {
	r := newRepo(t)
	ann := newSigner(r)
	keys := filepath.Join(t.TempDir(), "signers")
	allow(t, keys, ann)
	strict := func(since string) *Git {
		return r.open(GitConfig{Verify: VerifyStrict, AllowedSignersFile: keys, Since: since})
	}
	accepted := func(g *Git, head string) {
		t.Helper()
		if rev := poll(t, g); rev.ID != head {
			t.Errorf("the revision is %s, want %s", rev.ID, head)
		}
	}
	r.unsigned()
	old := r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	ann.use()
	first := r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
	g := strict("")
	accepted(g, first) // where it starts, what came before does not count
	accepted(strict(old), first)

	second := r.Commit(map[string]string{"a.yaml": specOf("a", 3)})
	third := r.Commit(map[string]string{"a.yaml": specOf("a", 4)})
	accepted(g, third)

	r.unsigned()
	bare := r.Commit(map[string]string{"a.yaml": specOf("a", 5)})
	ann.use()
	fourth := r.Commit(map[string]string{"a.yaml": specOf("a", 6)})
	wantHeld(t, g, third, "commit "+bare+": it is not signed")
	wantHeld(t, strict(second), second, bare)
	accepted(strict(bare), fourth)
	accepted(r.open(GitConfig{Verify: VerifyHead, AllowedSignersFile: keys}), fourth)

	// A side branch without signatures, whose merge is signed.
	r.unsigned()
	r.Git("switch", "-q", "-c", "side")
	r.Write(map[string]string{"b.yaml": specOf("b", 1)})
	r.Git("add", "-A")
	r.Git("commit", "-q", "-m", "side")
	ann.use()
	r.Git("switch", "-q", "main")
	r.Git("merge", "-q", "--no-ff", "-m", "merge", "side")
	merged := r.Push("after")
	accepted(strict(fourth), merged)

	// The branch is merged into the side, and the side pushed in its place: what it
	// has gone through then is the side's commits.
	r.Git("switch", "-q", "side")
	r.Git("merge", "-q", "--no-ff", "-m", "merge back", merged)
	foxtrot := r.Push("after")
	side := r.Git("rev-parse", "HEAD^1^1")
	if names := r.Git("log", "--first-parent", "--format=%s", merged+"..HEAD"); names != "after\nmerge back" {
		t.Fatalf("git says the branch went through %q", names)
	}
	accepted(strict(merged), foxtrot)
	if r.Git("log", "--first-parent", "--format=%H", fourth+"..HEAD~2") != side {
		t.Fatal("the side is another one")
	}
	wantHeld(t, strict(fourth), fourth, side)

	// A history that has nothing of it.
	r.Git("checkout", "-q", "--orphan", "other")
	r.unsigned()
	root := r.Push("root")
	ann.use()
	r.Push("on top")
	wantError(t, strict(fourth), ErrUnverified, root)
	wantError(t, strict(strings.Repeat("1", 40)), ErrUnverified, root)
}

func TestVerifyConfiguration(t *testing.T) {
	r := newRepo(t)
	none, empty := filepath.Join(t.TempDir(), "none"), writeFile(t, "empty", "\n")
	tests := []struct {
		config GitConfig
		want   string
	}{
		{GitConfig{Verify: "heads"}, "not one of off, head and strict"},
		{GitConfig{Verify: VerifyHead}, "no key to trust"},
		{GitConfig{Verify: VerifyHead, PGPKeysFile: none}, "no such file"},
		{GitConfig{Verify: VerifyHead, AllowedSignersFile: empty}, "no key to trust"},
		{GitConfig{Verify: VerifyStrict, AllowedSignersFile: empty, RevokedKeysFile: none}, "no such file"},
		{GitConfig{Verify: VerifyStrict, PGPKeysFile: writeFile(t, "key", "hello")}, "not in armor"},
	}
	for _, test := range tests {
		test.config.URL, test.config.Mirror = r.Dir, filepath.Join(t.TempDir(), "m")
		g, err := OpenGit(test.config)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: the error is %v, want %q in it", test.config, err, test.want)
		}
		if err == nil {
			must(t, g.Close())
		}
	}
	if _, err := Open(t.TempDir(), GitConfig{Verify: VerifyHead}, folder.Config{}); !errors.Is(err, errNoSignatures) {
		t.Errorf("a folder: the error is %v", err)
	}
}
