package source

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// wantHeld fails unless the newest commit is refused, and the other stands for it.
func wantHeld(t testing.TB, g *Git, commit, say string) {
	t.Helper()
	rev, err := g.Poll(t.Context())
	if !errors.Is(err, ErrUnverified) || !strings.Contains(err.Error(), say) {
		t.Errorf("the error is %v, want %q in it", err, say)
	}
	if rev == nil || rev.ID != commit {
		t.Errorf("the revision is %v, want %s", rev, commit)
	}
}

// newPGPSigner is newSigner with a key of gpg.
func newPGPSigner(r *repo, name string) signer {
	r.T.Helper()
	if _, err := exec.LookPath("gpg"); err != nil {
		r.T.Skip("gpg is not installed: git cannot sign without it")
	}
	home, err := os.MkdirTemp("", "gpg") // short: the agent's socket is in it
	must(r.T, err)
	r.T.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run() // it was started by itself
		must(r.T, os.RemoveAll(home))
	})
	gpg := func(args ...string) string {
		out, err := exec.CommandContext(r.T.Context(), "gpg", append([]string{"--homedir", home, "--batch", "--quiet", "--passphrase", ""}, args...)...).Output()
		must(r.T, err)
		return string(out)
	}
	id := name + "@example.com"
	gpg("--quick-generate-key", id, "ed25519", "sign", "never")
	program := filepath.Join(home, "program")
	must(r.T, os.WriteFile(program, []byte("#!/bin/sh\nexec gpg --homedir '"+home+"' \"$@\"\n"), 0o700))
	return signer{r: r, file: id, program: program, line: gpg("--armor", "--export", id)}
}

// trusting are the settings with which the signers are trusted.
func trusting(t testing.TB, signers ...signer) (c GitConfig) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if signers[0].program == "" {
		allow(t, path, signers...)
		c.AllowedSignersFile = path
		return c
	}
	var b strings.Builder
	for _, s := range signers {
		b.WriteString(s.line)
	}
	must(t, os.WriteFile(path, []byte(b.String()), 0o600))
	c.PGPKeysFile = path
	return c
}

// After a start, the last commit that was gone by stands for a newest one that is not
// verified: by what the daemon remembers, and by the keys of now.
func TestHoldAfterStart(t *testing.T) {
	for kind, people := range map[string]func(*repo) (ann, bob, eve signer){
		"ssh": func(r *repo) (ann, bob, eve signer) { return newSigner(r), newSigner(r), newSigner(r) },
		"pgp": func(r *repo) (ann, bob, eve signer) {
			return newPGPSigner(r, "ann"), newPGPSigner(r, "bob"), newPGPSigner(r, "eve")
		},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			testHoldAfterStart(t, people)
		})
	}
}

func testHoldAfterStart(t *testing.T, people func(*repo) (ann, bob, eve signer)) {
	r := newRepo(t)
	ann, bob, eve := people(r)
	roots := 0
	on := func(parent string, use func(), files map[string]string) string {
		use()
		if parent != "" {
			r.Git("checkout", "-q", "--detach", parent)
		} else {
			roots++
			r.Git("checkout", "-q", "--orphan", fmt.Sprint("root", roots))
		}
		return r.Commit(files)
	}
	v := func(n int) map[string]string { return map[string]string{"a.yaml": specOf("a", n)} }
	before := on("", r.unsigned, v(1))
	first := on(before, ann.use, v(2))
	second := on(first, ann.use, v(3))
	bare := on(second, r.unsigned, v(4))
	empty := on(second, r.unsigned, map[string]string{"a.yaml": ""})
	foreign := on(second, eve.use, v(5))
	third := on(second, bob.use, v(6))
	bareThird := on(third, r.unsigned, v(7))
	bareFirst := on(first, r.unsigned, v(8))
	gap := on(bare, ann.use, v(9)) // signed again, on top of one that is not
	bareGap := on(gap, r.unsigned, v(10))
	other := on("", r.unsigned, v(11))

	// A mirror that has seen all of it.
	seen := filepath.Join(t.TempDir(), "seen.git")
	g := r.open(GitConfig{Mirror: seen})
	for _, head := range []string{empty, foreign, bareThird, bareFirst, bareGap, other} {
		r.Git("push", "-q", "-f", "origin", head+":main")
		poll(t, g)
	}

	none := "no verified revision before it"
	tests := []struct {
		name           string
		head           string
		since, pending string
		trusted        []signer
		want           [2]string // in head and in strict; none is empty
		gone           bool      // the repository has nothing of it: if the mirror is gone, so is all that could stand
		say            string
	}{
		{"not signed", bare, second, "", []signer{ann}, [2]string{second, second}, false, "commit " + bare + ": it is not signed: "},
		{"not signed, and without specs", empty, second, "", []signer{ann}, [2]string{second, second}, false, "not signed"},
		{"an unknown key", foreign, second, "", []signer{ann, bob}, [2]string{second, second}, false, "not trusted"},
		{"several commits later", bareThird, first, "", []signer{ann, bob}, [2]string{first, first}, false, "not signed"},

		{"a guard held the last one", bareThird, second, third, []signer{ann, bob}, [2]string{third, third}, false, "not signed"},
		{"a guard held the first one", bareThird, "", third, []signer{ann, bob}, [2]string{third, third}, false, "not signed"},
		{"the last one's key is trusted no more", bareThird, second, third, []signer{ann}, [2]string{second, second}, false, "not signed"},
		{"nothing was remembered", bareThird, "", "", []signer{ann, bob}, [2]string{}, false, none},
		{"what was remembered is no commit", bareThird, "3", "the one before", []signer{ann, bob}, [2]string{}, false, none},
		{"it was applied unsigned", bare, before, "", []signer{ann}, [2]string{}, false, "nor is the one before, " + before + ": it is not signed"},
		{"every key is trusted no more", bareThird, second, third, []signer{eve}, [2]string{}, false, "nor is the one before, " + third},
		{"its own key is trusted no more", third, third, "", []signer{ann}, [2]string{}, false, "commit " + third},
		{"its own key is trusted no more, and a guard held it", third, second, third, []signer{ann}, [2]string{second, second}, false, "commit " + third},

		{"an older one is played back, and built on", bareFirst, second, "", []signer{ann}, [2]string{second, second}, true, "not signed"},
		{"the older one was read, too", bareFirst, second, first, []signer{ann}, [2]string{second, second}, true, "not signed"},
		{"what was read does not come after it", bareThird, gap, third, []signer{ann, bob}, [2]string{gap, gap}, true, "not signed"},
		{"another history", other, second, third, []signer{ann, bob}, [2]string{third, third}, true, "not signed"},

		{"one in between is not signed", bareGap, second, gap, []signer{ann}, [2]string{gap, second}, false, "not signed"},
		{"one in between is not signed, signed again", gap, second, "", []signer{ann}, [2]string{"", second}, false, "commit " + bare},
	}
	for _, test := range tests {
		for i, mode := range []Verify{VerifyHead, VerifyStrict} {
			t.Run(test.name+"/"+string(mode), func(t *testing.T) {
				r.Git("push", "-q", "-f", "origin", test.head+":main")
				c := trusting(t, test.trusted...)
				c.Verify, c.Since, c.Pending = mode, test.since, test.pending
				want := test.want[i]
				if mode == VerifyHead && test.head == gap {
					if rev := poll(t, r.open(c)); rev.ID != gap {
						t.Errorf("the revision is %s", rev.ID)
					}
					return
				}
				check := func(mirror, want, say string) {
					t.Helper()
					c.Mirror = mirror
					g := r.open(c)
					for range 2 {
						if want == "" {
							wantError(t, g, ErrUnverified, say)
						} else {
							wantHeld(t, g, want, say)
						}
					}
				}
				kept := filepath.Join(t.TempDir(), "mirror.git")
				must(t, os.CopyFS(kept, os.DirFS(seen)))
				check(kept, want, test.say)
				if test.gone {
					check("", "", "the repository has it no more")
				} else {
					check("", want, test.say)
				}
			})
		}
	}
}

// What stands is verified again, too: a key that is taken away ends it, and a file that
// cannot be read says nothing.
func TestHoldWhileRunning(t *testing.T) {
	r := newRepo(t)
	ann, eve := newSigner(r), newSigner(r)
	keys := filepath.Join(t.TempDir(), "signers")
	allow(t, keys, ann)
	g := r.open(GitConfig{Verify: VerifyHead, AllowedSignersFile: keys})
	ann.use()
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	rev := poll(t, g)
	must(t, os.Remove(keys))
	wantHeld(t, g, rev.ID, "no such file")
	allow(t, keys, ann)
	if poll(t, g) != rev {
		t.Error("the revision is another one")
	}
	r.unsigned()
	bare := r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
	wantHeld(t, g, rev.ID, "commit "+bare+": it is not signed: add a commit that a trusted key has signed")
	allow(t, keys, eve)
	wantError(t, g, ErrUnverified, "nor is the one before, "+rev.ID+": it is signed by a key that is not trusted")
	allow(t, keys, ann)
	wantHeld(t, g, rev.ID, "not signed")

	ann.use()
	head := r.Commit(map[string]string{"a.yaml": specOf("a", 3)})
	if rev := poll(t, g); rev.ID != head {
		t.Errorf("the revision is %s", rev.ID)
	}
}
