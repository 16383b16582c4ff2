package signature

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// What cannot be read stops everything: a key that was left out unseen would be
// missed when it is too late, and one that was let in never.
func TestReadKeys(t *testing.T) {
	key, other := edKey(t).line(), edKey(t).line()
	pgp := pgpKey(t, "ann", packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}, time.Now(), false)
	armored := public(t, pgp)
	var private bytes.Buffer
	w, err := armor.Encode(&private, openpgp.PrivateKeyType, nil)
	must(t, err)
	must(t, pgp.SerializePrivateWithoutSigning(w, nil))
	must(t, w.Close())
	var binary bytes.Buffer
	must(t, pgp.Serialize(&binary))
	signers := func(line string) Files { return Files{Signers: []byte("a@x " + key + "\n# more\n" + line + "\n")} }

	good := map[string]Files{
		"PGP":               {PGP: armored},
		"PGP in two blocks": {PGP: append(bytes.Clone(armored), armored...)},
		"SSH":               signers(""),
		"several principals, an option, a comment": signers(`a@x,*@y,!b@y valid-before="20301231" ` + other + " of Ann"),
		"tabs, and capitals in an option":          signers("a@x\tNamespaces=\"git\"\t" + strings.Replace(other, " ", "\t", 1)),
		"a quoted principal":                       signers(`"Ann Other" ` + other),
		"CRLF":                                     signers("b@x " + other + "\r"),
		"what was revoked":                         {Signers: []byte("a@x " + key), Revoked: []byte("# stolen\n" + other + " of Ann\n\n")},
	}
	for name, files := range good {
		if _, err := ReadKeys(files); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	bad := []struct {
		name  string
		files Files
		say   string
	}{
		{"nothing", Files{}, "no key to trust"},
		{"comments alone", Files{Signers: []byte("# nobody yet\n")}, "no key to trust"},
		{"only what was revoked", Files{Revoked: []byte(key)}, "no key to trust"},
		{"PGP: a private key", Files{PGP: private.Bytes()}, "export public keys"},
		{"PGP: not in armor", Files{PGP: binary.Bytes()}, "not in armor"},
		{"PGP: cut off", Files{PGP: armored[:len(armored)/2]}, "read PGP keys"},
		{"PGP: cut off in the second block", Files{PGP: append(bytes.Clone(armored), armored[:len(armored)/2]...)}, "read PGP keys"},
		{"a principal alone", signers("b@x"), "line 3: it has no key"},
		{"a key alone", signers(other), "line 3"},
		{"an unknown option", signers(`b@x restrict ` + other), `line 3: there is no option "restrict"`},
		{"an option twice", signers(`b@x namespaces="git",namespaces="file" ` + other), "twice"},
		{"no namespace", signers(`b@x namespaces="" ` + other), "empty"},
		{"a value without quotes", signers(`b@x namespaces=git ` + other), "not in quotes"},
		{"a quote that is not closed", signers(`b@x namespaces="git ` + other), "not closed"},
		{"something after a value", signers(`b@x namespaces="git"file ` + other), "follows"},
		{"a comma at the end", signers(`b@x namespaces="git", ` + other), "empty"},
		{"a wrong time", signers(`b@x valid-after="soon" ` + other), "not a time"},
		{"no such day", signers(`b@x valid-after="20260230" ` + other), "not a time"},
		{"an empty window", signers(`b@x valid-after="20260201",valid-before="20260201" ` + other), "not before"},
		{"an authority", signers(`b@x cert-authority ` + other), "authority"},
		{"half a key", signers("b@x " + other[:30]), "line 3"},
		{"a key of another kind than it says", signers("b@x " + strings.Replace(other, "ssh-ed25519", "ssh-rsa", 1)), "line 3"},
		{"a KRL", Files{Signers: []byte("a@x " + key), Revoked: []byte("SSHKRL\n\x00")}, "KRL"},
		{"revoked: no key", Files{Signers: []byte("a@x " + key), Revoked: []byte("serial: 1\n")}, "line 1"},
	}
	for _, test := range bad {
		k, err := ReadKeys(test.files)
		if err == nil || !strings.Contains(err.Error(), test.say) || k != nil {
			t.Errorf("%s: the error is %v, want %q in it", test.name, err, test.say)
		}
	}
	if _, err := ReadKeys(Files{}); !errors.Is(err, ErrNoKeys) {
		t.Errorf("the error is %v", err)
	}
}

// Times are read as ssh-keygen reads them; the table above cannot tell the hour.
func TestMoment(t *testing.T) {
	tests := map[string]time.Time{
		"20260228":        time.Date(2026, 2, 28, 0, 0, 0, 0, time.Local),
		"202602281230":    time.Date(2026, 2, 28, 12, 30, 0, 0, time.Local),
		"20260228123045":  time.Date(2026, 2, 28, 12, 30, 45, 0, time.Local),
		"20260228Z":       time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC),
		"20260228123045Z": time.Date(2026, 2, 28, 12, 30, 45, 0, time.UTC),
	}
	for text, want := range tests {
		if got, err := moment(text); err != nil || !got.Equal(want) {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
}

func TestMatches(t *testing.T) {
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"git", "git", true},
		{"git", "Git", false},
		{"g?t", "git", true},
		{"g*", "git", true},
		{"*", "git", true},
		{"*i*", "git", true},
		{"**t", "git", true},
		{"", "git", false},
		{"gi", "git", false},
		{"git?", "git", false},
		{"*x", "git", false},
		{strings.Repeat("*a", 5000) + "b", strings.Repeat("a", 5000), false},
	}
	for _, test := range tests {
		if got := matches(test.pattern, test.text); got != test.want {
			t.Errorf("%q matches %q: %v", test.pattern, test.text, got)
		}
	}
}

// seeds are commits that are trusted, with the keys that they are trusted by.
func seeds(t testing.TB) (keys *Keys, commits [][]byte) {
	t.Helper()
	dir := "testdata"
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		return data
	}
	keys, err := ReadKeys(Files{PGP: read("keys.asc"), Signers: read("signers")})
	must(t, err)
	return keys, [][]byte{read("pgp.commit"), read("ssh.commit")}
}

var seedTime = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// The seeds were made once, by gpg and ssh-keygen, and are trusted on any machine.
func TestSeeds(t *testing.T) {
	keys, commits := seeds(t)
	for i, raw := range commits {
		who, err := keys.Verify(raw, seedTime)
		if err != nil || !strings.HasPrefix(who, "ann@example.com, SSH key SHA256:") && !strings.HasPrefix(who, "Ann <ann@example.com>, PGP key ") {
			t.Errorf("seed %d is by %q: %v", i, who, err)
		}
		for at := range raw {
			bent := bytes.Clone(raw)
			bent[at] ^= 0x20
			if who, err := keys.Verify(bent, seedTime); err == nil && !armorOnly(raw, bent) {
				t.Errorf("seed %d with another byte at %d is by %s", i, at, who)
			}
		}
	}
}

// armorOnly reports whether two commits differ in what is no part of the signature
// itself: the checksum and the blanks of its armor.
func armorOnly(a, b []byte) bool {
	one, err1 := parseCommit(a)
	two, err2 := parseCommit(b)
	return err1 == nil && err2 == nil && bytes.Equal(one.payload, two.payload)
}

// BenchmarkVerify measures what a signature adds to a poll.
func BenchmarkVerify(b *testing.B) {
	keys, commits := seeds(b)
	for i, kind := range []string{"PGP", "SSH"} {
		b.Run(kind, func(b *testing.B) {
			for b.Loop() {
				if _, err := keys.Verify(commits[i], seedTime); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
