package signature

import (
	"bytes"
	"testing"
)

// Whatever bytes a commit has, they are read without a panic, and nothing is
// trusted but what was signed: the payload of a seed.
func FuzzVerify(f *testing.F) {
	keys, commits := seeds(f)
	var payloads [][]byte
	for _, raw := range commits {
		f.Add(raw)
		c, err := parseCommit(raw)
		must(f, err)
		payloads = append(payloads, c.payload)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		who, err := keys.Verify(raw, seedTime)
		if err != nil {
			return
		}
		c, err := parseCommit(raw)
		must(t, err)
		for _, payload := range payloads {
			if bytes.Equal(c.payload, payload) {
				return
			}
		}
		t.Errorf("%q is by %s", raw, who)
	})
}

// A commit that is taken apart can be put together again, and its signature is no
// part of what is signed.
func FuzzParseCommit(f *testing.F) {
	_, commits := seeds(f)
	for _, raw := range commits {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := parseCommit(raw)
		if err != nil {
			return
		}
		folded := bytes.ReplaceAll(bytes.TrimSuffix(c.signature, []byte("\n")), []byte("\n"), []byte("\n "))
		header := append(append([]byte("gpgsig "), folded...), '\n')
		at := bytes.Index(raw, header)
		if at < 0 || !bytes.Equal(append(bytes.Clone(raw[:at]), raw[at+len(header):]...), c.payload) {
			t.Errorf("%q has the payload %q and the signature %q", raw, c.payload, c.signature)
		}
	})
}

// Whatever the files of keys hold, they are read without a panic: as keys to trust,
// or not at all.
func FuzzReadKeys(f *testing.F) {
	key := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8E2IlXFTlK3dMm4lU5lFGgQ5g5Kc2kzVQ3bC2S8r1p"
	f.Add([]byte(""), []byte("a@x,*@y namespaces=\"git,file\",valid-after=\"20260101Z\" "+key+" c\n"), []byte("# x\n"+key+"\n"))
	f.Add([]byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDME\n-----END PGP PUBLIC KEY BLOCK-----\n"), []byte("\"a b\" "+key), []byte("SSHKRL\n"))
	f.Fuzz(func(t *testing.T, pgp, signers, revoked []byte) {
		k, err := ReadKeys(Files{PGP: pgp, Signers: signers, Revoked: revoked})
		if err != nil {
			return
		}
		if len(k.pgp)+len(k.signers) == 0 {
			t.Error("there is nobody to trust, and no error")
		}
		for _, s := range k.signers {
			if s.principals == "" || s.key == nil {
				t.Errorf("a signer is %+v", s)
			}
		}
	})
}
