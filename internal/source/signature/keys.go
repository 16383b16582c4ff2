package signature

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"golang.org/x/crypto/ssh"
)

// Files are the contents of the files that say whom to trust.
type Files struct {
	// PGP has public keys in armor, as `gpg --armor --export` writes them.
	PGP []byte
	// Signers is in the format of allowed_signers of ssh-keygen(1), without authorities.
	Signers []byte
	// Revoked has public keys of SSH, one a line, that are trusted no more, whatever
	// Signers says.
	Revoked []byte
}

// Keys are the keys that are trusted.
type Keys struct {
	pgp     openpgp.EntityList
	signers []signer
	revoked map[string]struct{} // by the key's wire format
	ends    []Expiry
}

// ErrNoKeys says that nobody would be trusted.
var ErrNoKeys = errors.New("there is no key to trust")

// ReadKeys reads the keys to trust. What cannot be read is an error, and never a key
// less; so is to have no key at all.
func ReadKeys(files Files) (*Keys, error) {
	k := &Keys{}
	var err error
	if k.pgp, err = readKeyring(files.PGP); err != nil {
		return nil, fmt.Errorf("read PGP keys: %w", err)
	}
	if k.signers, err = readSigners(files.Signers); err != nil {
		return nil, fmt.Errorf("read allowed signers: %w", err)
	}
	if k.revoked, err = readRevoked(files.Revoked); err != nil {
		return nil, fmt.Errorf("read revoked keys: %w", err)
	}
	if len(k.pgp) == 0 && len(k.signers) == 0 {
		return nil, ErrNoKeys
	}
	k.ends = k.expiries()
	return k, nil
}

// Verify checks that a raw commit has exactly one signature, which fits its content
// and is by a trusted key that is valid: now, and by the date that the signature
// bears. It returns who signed. That the commit has the name it was asked for by is
// for the caller to check.
func (k *Keys) Verify(raw []byte, now time.Time) (signer string, err error) {
	return k.verify(raw, instant{now: now})
}

// VerifyAgain is Verify for a commit that was verified before: that the key has expired
// since changes nothing. One that was revoked since, or is not trusted any more, does not
// count.
func (k *Keys) VerifyAgain(raw []byte, now time.Time) (signer string, err error) {
	if signer, err = k.Verify(raw, now); errors.Is(err, ErrExpired) {
		signer, err = k.verify(raw, instant{now: now, again: true})
	}
	return signer, err
}

// instant is when a commit is verified.
type instant struct {
	now   time.Time
	again bool // it was verified before: it is enough that the key was valid then
}

func (k *Keys) verify(raw []byte, at instant) (signer string, err error) {
	c, err := parseCommit(raw)
	if err != nil {
		return "", err
	}
	switch {
	case bytes.HasPrefix(c.signature, []byte(pgpBegin)):
		return k.verifyPGP(c, at)
	case bytes.HasPrefix(c.signature, []byte(sshBegin)):
		return k.verifySSH(c, at)
	default:
		return "", fmt.Errorf("%w: it is neither of OpenPGP nor of SSH", ErrUnreadable)
	}
}

// Expiry is when a trusted key ends, and which.
type Expiry struct {
	At  time.Time // zero if no key ends
	Key string    // as a verified commit's signer is called
}

// NextExpiry returns which of the keys that are valid now ends first. If none is valid any
// more, it is the one that has ended last.
func (k *Keys) NextExpiry(now time.Time) (next Expiry) {
	for _, e := range k.ends {
		ahead, was := e.At.After(now), next.At.After(now)
		if next.At.IsZero() || ahead && (!was || e.At.Before(next.At)) || !ahead && !was && e.At.After(next.At) {
			next = e
		}
	}
	return next
}

// expiries lists the keys that end.
func (k *Keys) expiries() (ends []Expiry) {
	for i := range k.signers {
		if s := &k.signers[i]; s.forGit() && !s.before.IsZero() {
			ends = append(ends, Expiry{s.before, fmt.Sprintf("%s, SSH key %s", s.principals, ssh.FingerprintSHA256(s.key))})
		}
	}
	for _, key := range k.pgp {
		for _, at := range pgpExpiries(key) {
			ends = append(ends, Expiry{at, fmt.Sprintf("PGP key %016X", key.PrimaryKey.KeyId)})
		}
	}
	return ends
}

// pgpExpiries returns when the primary key and those subkeys end that may sign.
func pgpExpiries(key *openpgp.Entity) (at []time.Time) {
	ends := func(made time.Time, life *uint32) {
		if life != nil && *life > 0 {
			at = append(at, made.Add(time.Duration(*life)*time.Second))
		}
	}
	if sig, err := key.PrimarySelfSignature(time.Time{}, nil); err == nil {
		ends(key.PrimaryKey.CreationTime, sig.KeyLifetimeSecs)
	}
	for i := range key.Subkeys {
		sub := &key.Subkeys[i]
		if sig, err := sub.LatestValidBindingSignature(time.Time{}, nil); err == nil && sig.FlagsValid && sig.FlagSign {
			ends(sub.PublicKey.CreationTime, sig.KeyLifetimeSecs)
		}
	}
	return at
}
