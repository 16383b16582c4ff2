package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"golang.org/x/crypto/ssh"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// judge is git, with the keys that it is to trust.
type judge struct {
	t    testing.TB
	dir  string
	env  []string
	tree string
}

// newJudge makes a repository, a home for gpg, and the files of keys.
func newJudge(t testing.TB) *judge {
	t.Helper()
	for _, name := range []string{"git", "gpg", "ssh-keygen"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed: nothing to compare with", name)
		}
	}
	dir, err := os.MkdirTemp("", "sig") // short: gpg's socket is in it
	must(t, err)
	must(t, os.Mkdir(filepath.Join(dir, "gpg"), 0o700))
	j := &judge{t: t, dir: dir}
	j.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GNUPGHOME=" + filepath.Join(dir, "gpg"), "LC_ALL=C", "TZ=UTC",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=Bob", "GIT_COMMITTER_EMAIL=bob@example.com",
	}
	t.Cleanup(func() {
		_, _ = j.try("", "gpgconf", "--kill", "all") // gpg has started an agent for this home
		must(t, os.RemoveAll(dir))
	})
	j.run("", "git", "init", "-q")
	j.run("", "git", "config", "gpg.ssh.allowedSignersFile", filepath.Join(dir, "signers"))
	j.run("", "git", "config", "gpg.ssh.revocationFile", filepath.Join(dir, "revoked"))
	j.tree = j.run("", "git", "write-tree")
	return j
}

// try runs a command with input, and returns what it says, to the byte.
func (j *judge) try(input string, args ...string) (string, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin = j.dir, j.env, strings.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, &stderr)
	}
	return string(out), err
}

func (j *judge) run(input string, args ...string) string {
	j.t.Helper()
	out, err := j.try(input, args...)
	must(j.t, err)
	return strings.TrimSuffix(out, "\n")
}

// trust makes git trust the keys.
func (j *judge) trust(files Files) {
	j.t.Helper()
	j.run(string(files.PGP), "gpg", "--batch", "--quiet", "--import")
	must(j.t, os.WriteFile(filepath.Join(j.dir, "signers"), files.Signers, 0o600))
	must(j.t, os.WriteFile(filepath.Join(j.dir, "revoked"), files.Revoked, 0o600))
}

// says returns what git makes of a raw commit.
func (j *judge) says(raw []byte) error {
	j.t.Helper()
	id := j.run(string(raw), "git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally")
	_, err := j.try("", "git", "verify-commit", id)
	return err
}

// commits returns the raw commit that git itself makes with these settings.
func (j *judge) commits(settings ...string) []byte {
	j.t.Helper()
	args := []string{"git"}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	id := j.run("a change", append(args, "commit-tree", "-S", j.tree)...)
	out, err := j.try("", "git", "cat-file", "commit", id)
	must(j.t, err)
	return []byte(out)
}

// draft is a commit that is not signed yet.
type draft struct {
	tree    string
	at      time.Time // of the committer
	parents int
	more    string // headers after the committer
	message string
}

func (d draft) bytes() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "tree %s\n", d.tree)
	for i := range d.parents {
		fmt.Fprintf(&b, "parent %040x\n", i+1)
	}
	fmt.Fprintf(&b, "author Ann <ann@example.com> %d +0100\ncommitter Bob <bob@example.com> %d +0100\n%s\n%s", d.at.Unix(), d.at.Unix(), d.more, d.message)
	return []byte(b.String())
}

// with puts a signature into a commit as git does: before its message.
func with(payload []byte, signature string) []byte {
	head, message, _ := bytes.Cut(payload, []byte("\n\n"))
	folded := strings.ReplaceAll(strings.TrimSuffix(signature, "\n"), "\n", "\n ")
	return fmt.Appendf(nil, "%s\ngpgsig %s\n\n%s", head, folded, message)
}

// pgpKey makes a key as of some time. It has a subkey for signing if subkey is true.
func pgpKey(t testing.TB, name string, config packet.Config, at time.Time, subkey bool) *openpgp.Entity {
	t.Helper()
	config.Time = func() time.Time { return at }
	key, err := openpgp.NewEntity(name, "", name+"@example.com", &config)
	must(t, err)
	if subkey {
		must(t, key.AddSigningSubkey(&config))
	}
	return key
}

// public is the key in armor.
func public(t testing.TB, keys ...*openpgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, key := range keys {
		w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
		must(t, err)
		must(t, key.Serialize(w))
		must(t, w.Close())
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// pgpPacket signs with the newest signing key of the entity, or its primary one.
func pgpPacket(t testing.TB, key *openpgp.Entity, payload []byte, at time.Time, change func(*packet.Signature)) []byte {
	t.Helper()
	private := key.PrivateKey
	for _, sub := range key.Subkeys {
		if binding := sub.Bindings[0].Packet; binding.FlagSign {
			private = sub.PrivateKey
		}
	}
	sig := &packet.Signature{
		Version: 4, SigType: packet.SigTypeBinary, PubKeyAlgo: private.PubKeyAlgo, Hash: crypto.SHA256,
		CreationTime: at, IssuerKeyId: &private.KeyId, IssuerFingerprint: private.Fingerprint,
	}
	if change != nil {
		change(sig)
	}
	config := &packet.Config{NonDeterministicSignaturesViaNotation: new(false)} // which SHA-1 cannot have
	h, err := sig.PrepareSign(config)
	must(t, err)
	if sig.SigType == packet.SigTypeText {
		payload = bytes.ReplaceAll(payload, []byte("\n"), []byte("\r\n"))
	}
	_, _ = h.Write(payload)
	must(t, sig.Sign(h, private, config))
	var b bytes.Buffer
	must(t, sig.Serialize(&b))
	return b.Bytes()
}

func pgpArmor(t testing.TB, packets ...[]byte) string {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.SignatureType, nil)
	must(t, err)
	_, err = w.Write(bytes.Join(packets, nil))
	must(t, err)
	must(t, w.Close())
	b.WriteByte('\n')
	return b.String()
}

// sshKey is a key of SSH with the line that allows it.
type sshKey struct {
	ssh.Signer
	private any
}

func newSSH(t testing.TB, private any) sshKey {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(private)
	must(t, err)
	return sshKey{signer, private}
}

func edKey(t testing.TB) sshKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	return newSSH(t, private)
}

func rsaKey(t testing.TB, bits int) sshKey {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, bits)
	must(t, err)
	return newSSH(t, private)
}

func ecKey(t testing.TB, curve elliptic.Curve) sshKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	must(t, err)
	return newSSH(t, private)
}

// line is the public key as files have it.
func (k sshKey) line() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.PublicKey())))
}

// file writes the private key, for ssh-keygen.
func (k sshKey) file(t testing.TB, dir, name string) string {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(k.private, "")
	must(t, err)
	path := filepath.Join(dir, name)
	must(t, os.WriteFile(path, pem.EncodeToMemory(block), 0o600))
	must(t, os.WriteFile(path+".pub", []byte(k.line()+"\n"), 0o600))
	return path
}

// signed makes a signature, after change has had its way with what it says.
func (k sshKey) signed(t testing.TB, payload []byte, change func(*envelope), algorithm string) string {
	t.Helper()
	e := envelope{Magic: magic, Version: 1, PublicKey: k.PublicKey().Marshal(), Namespace: namespace, Hash: "sha512"}
	if change != nil {
		change(&e)
	}
	sum := sha512.Sum512(payload)
	hash := sum[:]
	switch e.Hash {
	case "sha256":
		sum := sha256.Sum256(payload)
		hash = sum[:]
	case "sha1":
		sum := sha1.Sum(payload)
		hash = sum[:]
	}
	message := ssh.Marshal(struct {
		Magic     [6]byte
		Namespace string
		Reserved  string
		Hash      string
		Sum       []byte
	}{magic, e.Namespace, e.Reserved, e.Hash, hash})
	var sig *ssh.Signature
	var err error
	if with, ok := k.Signer.(ssh.AlgorithmSigner); ok && algorithm != "" {
		sig, err = with.SignWithAlgorithm(rand.Reader, message, algorithm)
	} else {
		sig, err = k.Sign(rand.Reader, message)
	}
	must(t, err)
	e.Signature = ssh.Marshal(sig)
	return sshArmor(ssh.Marshal(e))
}

func sshArmor(blob []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "SSH SIGNATURE", Bytes: blob}))
}

// skSigner signs as a security key does, whether it was touched or not.
type skSigner struct {
	private ed25519.PrivateKey
	touched bool
}

func (s skSigner) PublicKey() ssh.PublicKey {
	wire := ssh.Marshal(struct {
		Kind        string
		Key         []byte
		Application string
	}{ssh.KeyAlgoSKED25519, s.private.Public().(ed25519.PublicKey), "ssh:"})
	key, err := ssh.ParsePublicKey(wire)
	if err != nil {
		panic(err)
	}
	return key
}

// Sign signs the data with the flags and the counter that a security key adds.
func (s skSigner) Sign(_ io.Reader, data []byte) (*ssh.Signature, error) {
	var flags byte
	if s.touched {
		flags = 1
	}
	application, message := sha256.Sum256([]byte("ssh:")), sha256.Sum256(data)
	rest := ssh.Marshal(struct {
		Flags   byte
		Counter uint32
	}{flags, 7})
	signed := append(append(append([]byte(nil), application[:]...), rest...), message[:]...)
	return &ssh.Signature{Format: ssh.KeyAlgoSKED25519, Blob: ed25519.Sign(s.private, signed), Rest: rest}, nil
}
