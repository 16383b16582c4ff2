package signature

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
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
