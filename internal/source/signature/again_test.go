package signature

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// A commit that counted does so when its key has expired, and not when the key is revoked or
// trusted no more.
func TestVerifyAgain(t *testing.T) {
	j := newJudge(t)
	now := time.Now()
	made := now.AddDate(0, -2, 0)
	key, other := edKey(t), edKey(t)
	body := draft{tree: j.tree, at: made, parents: 1, message: "then\n"}.bytes()
	raw := with(body, key.signed(t, body, nil, ""))
	ended := now.AddDate(0, -1, 0).UTC().Format("20060102150405Z")
	line := `ann@example.com valid-before="` + ended + `" ` + key.line() + "\n"

	pgp := pgpKey(t, "ann", packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, KeyLifetimeSecs: uint32(31 * 24 * 60 * 60)}, now.AddDate(0, 0, -61), false)
	pgpRaw := with(body, pgpArmor(t, pgpPacket(t, pgp, body, now.AddDate(0, 0, -60), nil)))
	for _, test := range []struct {
		name         string
		raw          []byte
		files        Files
		first, again error
	}{
		{"SSH, expired", raw, Files{Signers: []byte(line)}, ErrExpired, nil},
		{"SSH, revoked", raw, Files{Signers: []byte(line), Revoked: []byte(key.line() + "\n")}, ErrRevoked, ErrRevoked},
		{"SSH, not trusted", raw, Files{Signers: []byte("bob@example.com " + other.line() + "\n")}, ErrUnknownKey, ErrUnknownKey},
		{"SSH, made after its end", raw, Files{Signers: []byte(strings.Replace(line, ended, now.AddDate(0, -3, 0).UTC().Format("20060102150405Z"), 1))}, ErrExpired, ErrExpired},
		{"PGP, expired", pgpRaw, Files{PGP: public(t, pgp)}, ErrExpired, nil},
	} {
		keys, err := ReadKeys(test.files)
		must(t, err)
		if _, err := keys.Verify(test.raw, now); !errors.Is(err, test.first) {
			t.Errorf("%s: %v, want %v", test.name, err, test.first)
		}
		if _, err := keys.VerifyAgain(test.raw, now); !errors.Is(err, test.again) {
			t.Errorf("%s, again: %v, want %v", test.name, err, test.again)
		}
	}
}

// The next key that ends is the one to tell of; if all have, the one that has last.
func TestNextExpiry(t *testing.T) {
	a, b, c, d := edKey(t), edKey(t), edKey(t), edKey(t)
	signers := `a@x valid-before="20300101Z" ` + a.line() + "\n" + `b@x valid-before="20280101Z" ` + b.line() + "\n" +
		`c@x namespaces="file",valid-before="20260101Z" ` + c.line() + "\nd@x " + d.line() + "\n"
	pgp := pgpKey(t, "e", packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, KeyLifetimeSecs: 86400}, time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC), false)
	keys, err := ReadKeys(Files{Signers: []byte(signers), PGP: public(t, pgp)})
	must(t, err)
	for year, want := range map[int]string{2025: "b@x", 2028: "PGP key", 2029: "a@x", 2031: "a@x"} {
		got := keys.NextExpiry(time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC))
		if !strings.HasPrefix(got.Key, want) {
			t.Errorf("in %d it is %s at %s, want %s", year, got.Key, got.At, want)
		}
	}
	keys, err = ReadKeys(Files{Signers: []byte("d@x " + d.line() + "\n")})
	must(t, err)
	if got := keys.NextExpiry(time.Now()); !got.At.IsZero() {
		t.Errorf("without an end: %+v", got)
	}
}
