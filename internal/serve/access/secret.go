package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"strings"

	"github.com/wedatasync/wedatasync/internal/file"
)

const (
	maxSecretFile = 8 << 10
	// leastSecret is how many bytes a secret has at the least: these are not
	// passwords to remember.
	leastSecret = 16
	// maxSecrets is how many a file has at the most: the old one and the new one.
	maxSecrets = 2
)

// Secrets are the contents of a file of secrets. No format prints them.
type Secrets struct{ values [][]byte }

// Format keeps the values out of whatever is formatted.
func (Secrets) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// CheckSecrets reports what is wrong with the file of a webhook's secret or of the
// action token.
func CheckSecrets(name string) error {
	_, err := ReadSecrets("", name, nil)
	return err
}

// ReadSecrets reads a file of secrets, one a line. No error has any of its text.
func ReadSecrets(by, name string, log *slog.Logger) (s Secrets, err error) {
	data, err := file.ReadSecret(by, name, maxSecretFile, log)
	if err != nil {
		return s, fmt.Errorf("read secrets: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		if value := strings.TrimSpace(line); value != "" {
			s.values = append(s.values, []byte(value))
		}
	}
	return s, s.check(name)
}

func (s Secrets) check(name string) error {
	switch {
	case len(s.values) == 0:
		return fmt.Errorf("read secrets: %s is empty", name)
	case len(s.values) > maxSecrets:
		return fmt.Errorf("read secrets: %s has %d lines: one secret, or an old and a new one, are needed", name, len(s.values))
	}
	for _, v := range s.values {
		if len(v) < leastSecret {
			return fmt.Errorf("read secrets: %s has one of less than %d bytes: make a longer one, such as with: openssl rand -hex 32", name, leastSecret)
		}
	}
	return nil
}

// Match reports whether given is one of the secrets. Its duration says nothing about them,
// not even their lengths.
func (s Secrets) Match(given string) bool {
	digest := sha256.Sum256([]byte(given))
	found := 0
	for _, v := range s.values {
		d := sha256.Sum256(v)
		found |= subtle.ConstantTimeCompare(d[:], digest[:])
	}
	return found == 1
}

// bodyBuffer is how much of a signed body is in memory at once.
const bodyBuffer = 32 << 10

// Signed reports whether sum is the HMAC-SHA256 of the body with one of the secrets. The
// body goes through the hash and is not kept.
func (s Secrets) Signed(body io.Reader, sum []byte) (bool, error) {
	macs := make([]hash.Hash, len(s.values))
	sinks := make([]io.Writer, len(s.values))
	for i, v := range s.values {
		macs[i] = hmac.New(sha256.New, v)
		sinks[i] = macs[i]
	}
	// Without WriterTo and ReaderFrom, so that the buffer is the one given.
	_, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(sinks...)}, struct{ io.Reader }{body}, make([]byte, bodyBuffer))
	if err != nil {
		return false, err
	}
	fits := false
	for _, m := range macs {
		fits = hmac.Equal(m.Sum(nil), sum) || fits
	}
	return fits, nil
}
