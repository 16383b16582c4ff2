package signature

import (
	"fmt"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"golang.org/x/crypto/ssh"
)

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
