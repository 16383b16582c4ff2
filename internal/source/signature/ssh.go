package signature

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/pem"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	sshBegin = "-----BEGIN SSH SIGNATURE-----\n"

	// namespace is what git says its signatures are for.
	namespace = "git"

	// minRSA is the least length of an RSA key that is trusted, in bits.
	minRSA = 2048
)

// magic begins a signature and what it signs (PROTOCOL.sshsig of OpenSSH).
var magic = [6]byte{'S', 'S', 'H', 'S', 'I', 'G'}

// envelope is a signature as ssh-keygen writes it.
type envelope struct {
	Magic     [6]byte
	Version   uint32
	PublicKey []byte
	Namespace string
	Reserved  string
	Hash      string
	Signature []byte
}

// readSSH reads an armored signature: one block and nothing else.
func readSSH(text []byte) (key ssh.PublicKey, sig *ssh.Signature, e *envelope, err error) {
	fail := func(what string) (ssh.PublicKey, *ssh.Signature, *envelope, error) {
		return nil, nil, nil, fmt.Errorf("%w: %s", ErrUnreadable, what)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "SSH SIGNATURE" || len(block.Headers) > 0 || len(rest) > 0 {
		return fail("there is more than one block, or not a whole one")
	}
	e = &envelope{}
	if err := ssh.Unmarshal(block.Bytes, e); err != nil || e.Magic != magic || e.Version != 1 {
		return fail("it is not in the format of ssh-keygen")
	}
	if key, err = ssh.ParsePublicKey(e.PublicKey); err != nil {
		return fail("its key is of no known kind")
	}
	sig = &ssh.Signature{}
	if err := ssh.Unmarshal(e.Signature, sig); err != nil {
		return fail("it is cut off")
	}
	return key, sig, e, nil
}

// verifySSH checks a signature of SSH.
func (k *Keys) verifySSH(c *commit, at instant) (signer string, err error) {
	key, sig, e, err := readSSH(c.signature)
	if err != nil {
		return "", err
	}
	who := fmt.Sprintf("SSH key %s", ssh.FingerprintSHA256(key))
	if e.Namespace != namespace {
		return "", fmt.Errorf("%w: it is for %q, and not for git", ErrForged, e.Namespace)
	}
	if _, ok := key.(*ssh.Certificate); ok {
		return "", fmt.Errorf("%w: a certificate, %s", ErrUnknownKey, who)
	}
	if err := strong(key, sig); err != nil {
		return "", fmt.Errorf("%w: %s", err, who)
	}
	signed, err := e.signed(c.payload)
	if err != nil {
		return "", err
	}
	if err := key.Verify(signed, sig); err != nil {
		return "", fmt.Errorf("%w: %s", ErrForged, who)
	}
	if _, ok := k.revoked[string(key.Marshal())]; ok {
		return "", fmt.Errorf("%w: %s", ErrRevoked, who)
	}
	principals, err := k.allowed(key, c.committed, at)
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, who)
	}
	return principals + ", " + who, nil
}

// signed returns what the key has signed for a payload.
func (e *envelope) signed(payload []byte) ([]byte, error) {
	var sum []byte
	switch e.Hash {
	case "sha256":
		h := sha256.Sum256(payload)
		sum = h[:]
	case "sha512":
		h := sha512.Sum512(payload)
		sum = h[:]
	default:
		return nil, fmt.Errorf("%w: its hash is neither sha256 nor sha512", ErrUnreadable)
	}
	return ssh.Marshal(struct {
		Magic     [6]byte
		Namespace string
		Reserved  string
		Hash      string
		Sum       []byte
	}{magic, e.Namespace, e.Reserved, e.Hash, sum}), nil
}

// strong refuses keys and signatures that can be forged.
func strong(key ssh.PublicKey, sig *ssh.Signature) error {
	switch key.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoSKECDSA256:
		return nil
	case ssh.KeyAlgoRSA:
		if sig.Format != ssh.KeyAlgoRSASHA256 && sig.Format != ssh.KeyAlgoRSASHA512 {
			return fmt.Errorf("%w: RSA with SHA-1", ErrWeak)
		}
		if public, ok := key.(ssh.CryptoPublicKey).CryptoPublicKey().(*rsa.PublicKey); !ok || public.N.BitLen() < minRSA {
			return fmt.Errorf("%w: RSA of less than %d bits", ErrWeak, minRSA)
		}
		return nil
	default:
		return fmt.Errorf("%w: %s", ErrWeak, key.Type())
	}
}

// allowed returns the principals that the key may sign for.
func (k *Keys) allowed(key ssh.PublicKey, signed time.Time, at instant) (principals string, err error) {
	err = ErrUnknownKey
	wire := key.Marshal()
	for _, s := range k.signers {
		switch {
		case !bytes.Equal(s.key.Marshal(), wire):
		case !s.forGit():
			err = fmt.Errorf("%w for git", ErrUnknownKey)
		case !s.valid(signed), !at.again && !s.valid(at.now):
			err = ErrExpired
		default:
			return s.principals, nil
		}
	}
	return "", err
}
