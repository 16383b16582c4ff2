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
	return k, nil
}

// Verify checks that a raw commit has exactly one signature, which fits its content
// and is by a trusted key that is valid: now, and by the date that the signature
// bears. It returns who signed. That the commit has the name it was asked for by is
// for the caller to check.
func (k *Keys) Verify(raw []byte, now time.Time) (signer string, err error) {
	c, err := parseCommit(raw)
	if err != nil {
		return "", err
	}
	switch {
	case bytes.HasPrefix(c.signature, []byte(pgpBegin)):
		return k.verifyPGP(c, now)
	case bytes.HasPrefix(c.signature, []byte(sshBegin)):
		return k.verifySSH(c, now)
	default:
		return "", fmt.Errorf("%w: it is neither of OpenPGP nor of SSH", ErrUnreadable)
	}
}
