package signature

import (
	"bufio"
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

const (
	pgpBegin = "-----BEGIN PGP SIGNATURE-----\n"
	pgpEnd   = "-----END PGP SIGNATURE-----\n"
)

// readKeyring reads armored public keys, in one block or several.
func readKeyring(data []byte) (openpgp.EntityList, error) {
	var keys openpgp.EntityList
	r := bufio.NewReader(bytes.NewReader(data))
	for {
		block, err := armor.Decode(r)
		switch {
		case errors.Is(err, io.EOF) && len(keys) == 0 && len(bytes.TrimSpace(data)) > 0:
			return nil, errors.New("it is not in armor: export keys with gpg --armor --export")
		case errors.Is(err, io.EOF):
			return keys, nil
		case err != nil:
			return nil, err
		case block.Type != openpgp.PublicKeyType:
			return nil, fmt.Errorf("it has a %s: export public keys with gpg --armor --export", block.Type)
		}
		packets := packet.NewReader(block.Body)
		for {
			key, err := openpgp.ReadEntity(packets)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("key %d: %w", len(keys)+1, err)
			}
			keys = append(keys, key)
		}
	}
}

// verifyPGP checks a signature of OpenPGP.
func (k *Keys) verifyPGP(c *commit, at instant) (signer string, err error) {
	sig, body, err := readPGP(c.signature)
	if err != nil {
		return "", err
	}
	candidates := k.pgp.EntitiesById(*sig.IssuerKeyId)
	if len(candidates) == 0 {
		return "", fmt.Errorf("%w: PGP key %016X", ErrUnknownKey, *sig.IssuerKeyId)
	}
	for _, key := range candidates { // a key may be listed twice, as it was and as it is
		if err = pgpReason(verifyBy(key, *sig.IssuerKeyId, sig, body, c.payload, at)); err == nil {
			_, identity := key.PrimaryIdentity(at.now, nil)
			if identity == nil {
				return fmt.Sprintf("PGP key %016X", key.PrimaryKey.KeyId), nil
			}
			return fmt.Sprintf("%s, PGP key %016X", identity.Name, key.PrimaryKey.KeyId), nil
		}
		err = fmt.Errorf("%w: PGP key %016X", err, *sig.IssuerKeyId)
	}
	return "", err
}

// readPGP reads an armored signature: one packet and nothing else.
func readPGP(text []byte) (sig *packet.Signature, body []byte, err error) {
	if !bytes.HasSuffix(text, []byte(pgpEnd)) || bytes.Count(text, []byte("-----BEGIN")) != 1 {
		return nil, nil, fmt.Errorf("%w: there is more than one block, or not a whole one", ErrUnreadable)
	}
	block, err := armor.Decode(bytes.NewReader(text))
	if err == nil {
		body, err = io.ReadAll(block.Body)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	packets := packet.NewReader(bytes.NewReader(body))
	p, err := packets.Next()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	sig, ok := p.(*packet.Signature)
	if _, err := packets.Next(); !ok || err != io.EOF { //nolint:errorlint // the end itself, not a packet that ends early
		return nil, nil, fmt.Errorf("%w: it is not one signature, and nothing else", ErrUnreadable)
	}
	if sig.IssuerKeyId == nil {
		return nil, nil, fmt.Errorf("%w: it does not say by which key it is", ErrUnreadable)
	}
	if sig.SigType != packet.SigTypeBinary {
		return nil, nil, fmt.Errorf("%w: it is not a signature of bytes", ErrUnreadable)
	}
	switch sig.Hash {
	case crypto.MD5, crypto.SHA1, crypto.RIPEMD160:
		return nil, nil, fmt.Errorf("%w: %v", ErrWeak, sig.Hash)
	}
	return sig, body, nil
}

// verifyBy checks that the signature is by the key, which is valid at the moment, and was
// when it signed.
func verifyBy(key *openpgp.Entity, id uint64, sig *packet.Signature, body, payload []byte, m instant) error {
	// That the signer's clock goes ahead is no reason to mistrust: what is from the
	// future is looked at as of then, when no key is valid that has ended now.
	at := m.now
	if sig.CreationTime.After(at) || m.again {
		at = sig.CreationTime
	}
	if m.again && revoked(key, id, m.now) {
		return pgperrors.ErrKeyRevoked
	}
	config := &packet.Config{Time: func() time.Time { return at }}
	if _, err := key.VerifyPrimaryKey(at, config); err != nil {
		return err
	}
	for i := range key.Subkeys {
		if key.Subkeys[i].PublicKey.KeyId != id {
			continue
		}
		if _, err := key.Subkeys[i].Verify(at, config); err != nil {
			return err
		}
	}
	_, _, err := openpgp.VerifyDetachedSignature(openpgp.EntityList{key}, bytes.NewReader(payload), bytes.NewReader(body), config)
	return err
}

// revoked reports whether the key that has signed is revoked, for whatever reason.
func revoked(key *openpgp.Entity, id uint64, now time.Time) bool {
	if key.Revoked(now) {
		return true
	}
	for i := range key.Subkeys {
		if key.Subkeys[i].PublicKey.KeyId == id && key.Subkeys[i].Revoked(nil, now) {
			return true
		}
	}
	return false
}

// pgpReason tells which of the errors of this package one of the library is.
func pgpReason(err error) error {
	_, weak := errors.AsType[pgperrors.WeakAlgorithmError](err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return ErrRevoked
	case errors.Is(err, pgperrors.ErrKeyExpired), errors.Is(err, pgperrors.ErrSignatureExpired), errors.Is(err, pgperrors.ErrSignatureOlderThanKey):
		return ErrExpired
	case weak:
		return fmt.Errorf("%w: %w", ErrWeak, err)
	default:
		return fmt.Errorf("%w: %w", ErrForged, err)
	}
}
