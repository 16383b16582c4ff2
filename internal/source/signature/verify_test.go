package signature

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"golang.org/x/crypto/ssh"
)

// verdict is a commit, and what becomes of it.
type verdict struct {
	name string
	raw  []byte
	want error // nil: it is trusted
	// stricter says why a commit is not trusted that git trusts; empty where both agree.
	stricter string
}

// TestVerify holds each verdict to that of `git verify-commit` on the same object,
// with the same keys. Nothing is trusted that git does not trust.
func TestVerify(t *testing.T) {
	j := newJudge(t)
	now := time.Now()
	var files Files
	cases := append(pgpVerdicts(t, j, &files, now), sshVerdicts(t, j, &files, now)...)
	cases = append(cases, formVerdicts(t, j, &files, now)...)
	j.trust(files)
	keys, err := ReadKeys(files)
	must(t, err)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			who, err := keys.Verify(c.raw, now)
			if !errors.Is(err, c.want) || (err == nil) != (who != "") {
				t.Errorf("it is by %q: %v, want %v", who, err, c.want)
			}
			git := j.says(c.raw)
			if trusted := c.want == nil || c.stricter != ""; (git == nil) != trusted {
				t.Errorf("git says %v; we say %v", git, err)
			}
			if c.want == nil && c.stricter != "" {
				t.Error("stricter, and yet trusted?")
			}
		})
	}
	if len(cases) < 40 {
		t.Errorf("there are only %d cases", len(cases))
	}
}

// flip changes one byte of the text after the mark.
func flip(raw []byte, mark string) []byte {
	raw = bytes.Clone(raw)
	raw[bytes.Index(raw, []byte(mark))+len(mark)] ^= 1
	return raw
}

func pgpVerdicts(t *testing.T, j *judge, files *Files, now time.Time) []verdict {
	yearAgo, dayAgo := now.AddDate(-1, 0, 0), now.AddDate(0, 0, -1)
	ed := packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}
	key := pgpKey(t, "ed", ed, yearAgo, false)
	rsa2 := pgpKey(t, "rsa", packet.Config{RSABits: 2048}, yearAgo, false)
	rsa1 := pgpKey(t, "weak", packet.Config{RSABits: 1024, MinRSABits: 1024}, yearAgo, false)
	ec := pgpKey(t, "ec", packet.Config{Algorithm: packet.PubKeyAlgoECDSA, Curve: packet.CurveNistP256}, yearAgo, false)
	sub := pgpKey(t, "sub", ed, yearAgo, true)
	stranger := pgpKey(t, "stranger", ed, yearAgo, false)
	short := ed
	short.KeyLifetimeSecs = 30 * 24 * 3600
	expired := pgpKey(t, "expired", short, yearAgo, false)
	expiredSub := pgpKey(t, "expired-sub", ed, yearAgo, false)
	short.Time = func() time.Time { return yearAgo }
	must(t, expiredSub.AddSigningSubkey(&short))
	revocation := ed
	revocation.Time = func() time.Time { return dayAgo }
	stolen, retired := pgpKey(t, "stolen", ed, yearAgo, false), pgpKey(t, "retired", ed, yearAgo, false)
	must(t, stolen.Revoke(packet.KeyCompromised, "stolen", &revocation))
	must(t, retired.Revoke(packet.KeyRetired, "retired", &revocation))
	revokedSub := pgpKey(t, "revoked-sub", ed, yearAgo, true)
	for i := range revokedSub.Subkeys {
		if revokedSub.Subkeys[i].Bindings[0].Packet.FlagSign {
			must(t, revokedSub.Subkeys[i].Revoke(packet.KeyCompromised, "stolen", &revocation))
		}
	}
	renewed := pgpKey(t, "renewed", short, yearAgo, false) // a second self-signature says for longer
	longer := ed
	longer.Time = func() time.Time { return dayAgo }
	for _, identity := range renewed.Identities {
		again := *identity.SelfCertifications[0].Packet
		lifetime := uint32(10 * 365 * 24 * 3600)
		again.KeyLifetimeSecs, again.CreationTime = &lifetime, dayAgo
		must(t, again.SignUserId(identity.Name, renewed.PrimaryKey, renewed.PrivateKey, &longer))
		identity.SelfCertifications = append(identity.SelfCertifications, packet.NewVerifiableSig(&again))
	}

	for _, kind := range []string{"ed25519", "rsa2048"} {
		j.run("", "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "Real "+kind+" <"+kind+"@example.com>", kind, "sign", "never")
	}
	files.PGP = append(public(t, key, rsa2, rsa1, ec, sub, expired, expiredSub, stolen, retired, revokedSub, renewed), j.run("", "gpg", "--armor", "--export")+"\n"...)

	body := draft{tree: j.tree, at: now, parents: 1, message: "change\n"}.bytes()
	by := func(key *openpgp.Entity, at time.Time, change func(*packet.Signature)) []byte {
		return with(body, pgpArmor(t, pgpPacket(t, key, body, at, change)))
	}
	good := pgpPacket(t, key, body, now, nil)
	seconds := uint32(60)
	return []verdict{
		{"not signed", body, ErrUnsigned, ""},
		{"PGP Ed25519", by(key, now, nil), nil, ""},
		{"PGP RSA 2048", by(rsa2, now, nil), nil, ""},
		{"PGP ECDSA P-256", by(ec, now, nil), nil, ""},
		{"PGP by a subkey", by(sub, now, nil), nil, ""},
		{"PGP by gpg with Ed25519", j.commits("user.signingKey=ed25519@example.com"), nil, ""},
		{"PGP by gpg with RSA", j.commits("user.signingKey=rsa2048@example.com"), nil, ""},
		{"PGP, a key that was renewed", by(renewed, now, nil), nil, ""},
		{"PGP SHA-512", by(key, now, func(s *packet.Signature) { s.Hash = crypto.SHA512 }), nil, ""},
		{"PGP, an hour ahead of us", by(key, now.Add(time.Hour), nil), nil, ""},
		{"PGP, an unknown key", by(stranger, now, nil), ErrUnknownKey, ""},
		{"PGP, an expired key, signed before", by(expired, yearAgo.AddDate(0, 0, 1), nil), ErrExpired, ""},
		{"PGP, an expired key, signed after", by(expired, now, nil), ErrExpired, ""},
		{"PGP, an expired subkey", by(expiredSub, yearAgo.AddDate(0, 0, 1), nil), ErrExpired, ""},
		{"PGP, an expired signature", by(key, dayAgo, func(s *packet.Signature) { s.SigLifetimeSecs = &seconds }), ErrExpired, ""},
		{"PGP, older than its key", by(key, yearAgo.AddDate(-1, 0, 0), nil), ErrForged, ""},
		{"PGP, a stolen key", by(stolen, now, nil), ErrRevoked, ""},
		{"PGP, a stolen key, signed before", by(stolen, yearAgo.AddDate(0, 1, 0), nil), ErrRevoked, ""},
		{"PGP, a retired key", by(retired, yearAgo.AddDate(0, 1, 0), nil), ErrRevoked, ""},
		{"PGP, a revoked subkey", by(revokedSub, yearAgo.AddDate(0, 1, 0), nil), ErrRevoked, ""},
		{"PGP, another message", flip(by(key, now, nil), "\n\nchan"), ErrForged, ""},
		{"PGP, another tree", flip(by(key, now, nil), "tree "), ErrForged, ""},
		{"PGP, another parent", flip(by(key, now, nil), "parent "), ErrForged, ""},
		{"PGP, another author", flip(by(key, now, nil), "author "), ErrForged, ""},
		{"PGP, a header more", bytes.Replace(by(key, now, nil), []byte("gpgsig"), []byte("encoding latin1\ngpgsig"), 1), ErrForged, ""},
		{"PGP, two signatures in one block", with(body, pgpArmor(t, good, good)), ErrUnreadable, ""},
		{"PGP, two blocks", with(body, pgpArmor(t, good)+pgpArmor(t, good)), ErrUnreadable, ""},
		{"PGP, a good block after that of a stranger", with(body, pgpArmor(t, pgpPacket(t, stranger, body, now, nil))+pgpArmor(t, good)), ErrUnreadable, ""},
		{"PGP, cut off", with(body, pgpArmor(t, good[:len(good)-5])), ErrUnreadable, ""},
		{"PGP, armor cut off", with(body, pgpArmor(t, good)[:80]), ErrUnreadable, ""},
		{"PGP, words after the block", with(body, pgpArmor(t, good)+"hello\n"), ErrUnreadable, "gpg does not read on; what nobody has signed has no place in a signature"},
		{"PGP SHA-1", by(rsa2, now, func(s *packet.Signature) { s.Hash = crypto.SHA1 }), ErrWeak, "two contents with one SHA-1 can be made; gpg still takes it for signatures"},
		{"PGP RSA 1024", by(rsa1, now, nil), ErrWeak, "a key so short can be factored"},
		{"PGP, a signature of text", by(key, now, func(s *packet.Signature) { s.SigType = packet.SigTypeText }), ErrUnreadable, "it fits every way to end lines, so it is not of these bytes; git never makes one"},
		{"X.509", with(body, "-----BEGIN SIGNED MESSAGE-----\nAAAA\n-----END SIGNED MESSAGE-----\n"), ErrUnreadable, ""},
		{"what is no signature", with(body, "trust me\n"), ErrUnreadable, ""},
		{"an empty signature", with(body, ""), ErrUnreadable, ""},
	}
}

func sshVerdicts(t *testing.T, j *judge, files *Files, now time.Time) []verdict {
	key, rsa3, rsa1, ec := edKey(t), rsaKey(t, 3072), rsaKey(t, 1024), ecKey(t, elliptic.P256())
	ec5, stranger, revoked := ecKey(t, elliptic.P521()), edKey(t), edKey(t)
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	touched := sshKey{Signer: skSigner{private, true}}
	untouched := sshKey{Signer: skSigner{private, false}}
	stamp := func(days int) string { return now.AddDate(0, 0, days).UTC().Format("20060102150405") + "Z" }
	options := map[string]string{
		"files":   `namespaces="file"`,
		"any":     `namespaces="g*"`,
		"list":    `namespaces="file,git"`,
		"not":     `namespaces="!git,*"`,
		"past":    fmt.Sprintf(`valid-after="%s",valid-before="%s"`, stamp(-20), stamp(-10)),
		"future":  fmt.Sprintf(`valid-after="%s"`, stamp(10)),
		"present": fmt.Sprintf(`namespaces="git",valid-after="%s",valid-before="%s"`, stamp(-10), stamp(10)),
		"day":     `valid-after="20200101"`,
	}
	limited := make(map[string]sshKey)
	var lines strings.Builder
	lines.WriteString("# who may sign\n\n")
	for _, k := range []sshKey{key, rsa3, rsa1, ec, ec5, revoked, touched} {
		lines.WriteString("bob@example.com,*@example.org " + k.line() + " a comment\n")
	}
	for name, o := range options {
		limited[name] = edKey(t)
		lines.WriteString("!eve@example.com,*@example.com " + o + "\t" + limited[name].line() + "\n")
	}
	lines.WriteString(`"carol@example.com" ` + options["past"] + " " + stranger.line() + "\n") // its second line follows
	twice := stranger
	stranger = edKey(t)
	lines.WriteString("carol@example.com " + twice.line() + "\n")
	files.Signers = []byte(lines.String())
	files.Revoked = []byte("# stolen\n" + revoked.line() + "\n")

	body := draft{tree: j.tree, at: now, parents: 2, message: "merge\n"}.bytes()
	by := func(k sshKey, change func(*envelope), algorithm string) []byte {
		return with(body, k.signed(t, body, change, algorithm))
	}
	at := func(k sshKey, days int) []byte {
		body := draft{tree: j.tree, at: now.AddDate(0, 0, days), message: "then\n"}.bytes()
		return with(body, k.signed(t, body, nil, ""))
	}
	byGit := func(k sshKey, name string) []byte {
		return j.commits("gpg.format=ssh", "user.signingKey="+k.file(t, j.dir, name))
	}
	cert := &ssh.Certificate{Key: key.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{"bob@example.com"}, ValidBefore: ssh.CertTimeInfinity}
	must(t, cert.SignCert(rand.Reader, ec.Signer))
	good := key.signed(t, body, nil, "")
	return []verdict{
		{"SSH by ssh-keygen with Ed25519", byGit(key, "ed"), nil, ""},
		{"SSH by ssh-keygen with RSA", byGit(rsa3, "rsa"), nil, ""},
		{"SSH by ssh-keygen with ECDSA", byGit(ec, "ec"), nil, ""},
		{"SSH ECDSA P-521", by(ec5, nil, ""), nil, ""},
		{"SSH SHA-256", by(key, func(e *envelope) { e.Hash = "sha256" }, ""), nil, ""},
		{"SSH RSA with SHA-256", by(rsa3, nil, ssh.KeyAlgoRSASHA256), nil, ""},
		{"SSH security key", by(touched, nil, ""), nil, ""},
		{"SSH, namespaces by pattern", by(limited["any"], nil, ""), nil, ""},
		{"SSH, namespaces in a list", by(limited["list"], nil, ""), nil, ""},
		{"SSH, in its window", by(limited["present"], nil, ""), nil, ""},
		{"SSH, after a day", by(limited["day"], nil, ""), nil, ""},
		{"SSH, on two lines, one of them past", by(twice, nil, ""), nil, ""},
		{"SSH, an unknown key", by(stranger, nil, ""), ErrUnknownKey, ""},
		{"SSH, another namespace", by(key, func(e *envelope) { e.Namespace = "file" }, ""), ErrForged, ""},
		{"SSH, a key for files", by(limited["files"], nil, ""), ErrUnknownKey, ""},
		{"SSH, a key for all but git", by(limited["not"], nil, ""), ErrUnknownKey, ""},
		{"SSH, before its window", by(limited["future"], nil, ""), ErrExpired, ""},
		{"SSH, after its window", by(limited["past"], nil, ""), ErrExpired, ""},
		{"SSH, after its window, dated into it", at(limited["past"], -15), ErrExpired, "the date of a commit is whatever its maker says: who has found an old key could date back"},
		{"SSH, before its window, dated into it", at(limited["future"], 15), ErrExpired, "the same, ahead"},
		{"SSH, a revoked key", by(revoked, nil, ""), ErrRevoked, ""},
		{"SSH RSA with SHA-1", by(rsa3, nil, ssh.KeyAlgoRSA), ErrWeak, ""},
		{"SSH RSA 1024", by(rsa1, nil, ssh.KeyAlgoRSASHA256), ErrWeak, "a key so short can be factored"},
		{"SSH security key that nobody touched", by(untouched, nil, ""), ErrForged, "malware on its owner's machine can sign so"},
		{"SSH by a certificate", by(key, func(e *envelope) { e.PublicKey = cert.Marshal() }, ""), ErrUnknownKey, ""},
		{"SSH, another message", flip(by(key, nil, ""), "\n\nmer"), ErrForged, ""},
		{"SSH, another tree", flip(by(key, nil, ""), "tree "), ErrForged, ""},
		{"SSH, another key in it", by(key, func(e *envelope) { e.PublicKey = ec.PublicKey().Marshal() }, ""), ErrForged, ""},
		{"SSH, version 2", by(key, func(e *envelope) { e.Version = 2 }, ""), ErrUnreadable, ""},
		{"SSH, no magic", by(key, func(e *envelope) { e.Magic[0] = 's' }, ""), ErrUnreadable, ""},
		{"SSH, hashed with SHA-1", by(key, func(e *envelope) { e.Hash = "sha1" }, ""), ErrUnreadable, ""},
		{"SSH, cut off", with(body, good[:len(good)/2]), ErrUnreadable, ""},
		{"SSH, two blocks", with(body, good+good), ErrUnreadable, "ssh-keygen does not read on; there has to be one signature, and nothing else"},
		{"SSH, words after the block", with(body, good+"hello\n"), ErrUnreadable, "the same"},
		{"SSH, words before the block", with(body, "hello\n"+good), ErrUnreadable, ""},
	}
}

// formVerdicts are about how the commit is written.
func formVerdicts(t *testing.T, j *judge, files *Files, now time.Time) []verdict {
	key := edKey(t)
	pgp := pgpKey(t, "form", packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}, now.AddDate(-1, 0, 0), false)
	files.Signers = append(files.Signers, "bob@example.com "+key.line()+"\n"...)
	files.PGP = append(files.PGP, public(t, pgp)...)
	d := draft{tree: j.tree, at: now, parents: 1, message: "change\n"}
	sign := func(payload []byte) []byte { return with(payload, key.signed(t, payload, nil, "")) }
	made := func(change func(*draft)) []byte {
		d := d
		change(&d)
		return sign(d.bytes())
	}
	edit := func(old, with string) []byte {
		text := strings.Replace(string(d.bytes()), old, with, 1)
		if text == string(d.bytes()) {
			t.Fatalf("%q is not in the commit", old)
		}
		return sign([]byte(text))
	}
	body := d.bytes()
	both := pgpArmor(t, pgpPacket(t, pgp, body, now, nil))
	twice := func(first, second string) []byte { return with(with(body, first), second) }
	ssh := key.signed(t, body, nil, "")
	head, rest, _ := bytes.Cut(sign(body), []byte("gpgsig "))
	sig, message, _ := bytes.Cut(rest, []byte("\n\n"))
	first := fmt.Appendf(nil, "%s\ngpgsig %s\n%s\n%s", strings.SplitN(string(head), "\n", 2)[0], sig, strings.SplitN(string(head), "\n", 2)[1], message)
	const reads = "readers differ in which one they take: the tree that is read might not be the one that was looked at"
	const writes = "git does not write it, and readers differ in what they make of it"
	return []verdict{
		{"the first commit", made(func(d *draft) { d.parents = 0 }), nil, ""},
		{"an octopus", made(func(d *draft) { d.parents = 9 }), nil, ""},
		{"no message", made(func(d *draft) { d.message = "" }), nil, ""},
		{"a message without an end of line", made(func(d *draft) { d.message = "change" }), nil, ""},
		{"a message with CR and zero bytes", made(func(d *draft) { d.message = "a\r\nb\x00c\xff\n" }), nil, ""},
		{"a message that has a signature", made(func(d *draft) { d.message = "x\n\ngpgsig -----BEGIN SSH SIGNATURE-----\n" }), nil, ""},
		{"an encoding", made(func(d *draft) { d.more = "encoding ISO-8859-1\n" }), nil, ""},
		{"a merged tag that is signed", made(func(d *draft) {
			d.more = "mergetag object " + j.tree + "\n type commit\n \n gpgsig x\n -----BEGIN PGP SIGNATURE-----\n"
		}), nil, ""},
		{"a header that we do not know", made(func(d *draft) { d.more = "HG:extra rebase\n" }), nil, ""},
		{"two trees", edit("author ", "tree "+strings.Repeat("1", 40)+"\nauthor "), ErrMalformed, reads},
		{"a tree at the end", made(func(d *draft) { d.more = "tree " + strings.Repeat("1", 40) + "\n" }), ErrMalformed, reads},
		{"a parent at the end", made(func(d *draft) { d.more = "parent " + strings.Repeat("1", 40) + "\n" }), ErrMalformed, reads},
		{"two authors", edit("committer ", "author Eve <eve@example.com> 1 +0000\ncommitter "), ErrMalformed, reads},
		{"two committers", made(func(d *draft) { d.more = "committer Eve <eve@example.com> 1 +0000\n" }), ErrMalformed, reads},
		{"no author", edit("author Ann <ann@example.com>", "writer Ann <ann@example.com>"), ErrMalformed, writes},
		{"no time", edit(fmt.Sprintf("Bob <bob@example.com> %d +0100", now.Unix()), "Bob <bob@example.com>"), ErrMalformed, writes},
		{"a zero byte in a header", edit("Ann", "An\x00n"), ErrMalformed, ""},
		{"the signature before the author", first, ErrMalformed, writes},
		{"a tree in capitals", edit("tree "+j.tree, "tree "+strings.ToUpper(j.tree)), ErrMalformed, writes},
		{"a signature for SHA-256 beside it", bytes.Replace(sign(body), []byte("\ngpgsig "), []byte("\ngpgsig-sha256 x\ngpgsig "), 1), ErrUnreadable, "git leaves it out of what is signed, so anyone may have added it"},
		{"SSH twice", twice(ssh, ssh), ErrUnreadable, "git puts both into one, and ssh-keygen reads the first"},
		{"PGP twice", twice(both, both), ErrUnreadable, ""},
		{"PGP, then SSH", twice(both, ssh), ErrUnreadable, "git puts both into one, and gpg reads the first"},
		{"SSH, then PGP", twice(ssh, both), ErrUnreadable, "git puts both into one, and ssh-keygen reads the first"},
	}
}
