package notify

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/internal/secret"
)

// Secret is a token, a key or a URL that nothing may show: it prints as
// [redacted] in every format, in logs and in JSON. The zero Secret is none.
type Secret struct {
	text string
	file string
}

// SecretText returns a secret that is known.
func SecretText(text string) Secret { return Secret{text: strings.TrimSpace(text)} }

// SecretFile returns a secret that is read from the file at each use, so that it
// can be exchanged while the program runs. Space around it does not count.
func SecretFile(path string) Secret { return Secret{file: path} }

// File returns the file that the secret is read from; empty if there is none.
func (s Secret) File() string { return s.file }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s == Secret{} }

// String returns "[redacted]".
func (Secret) String() string { return secret.Redacted }

// Format writes "[redacted]", whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, secret.Redacted) }

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(secret.Redacted) }

// MarshalText returns "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(secret.Redacted), nil }

// maxSecret bounds a secret in bytes.
const maxSecret = 8 << 10

// read returns the secret itself. An error names the file, and by, which is the setting
// that names it, and never what is in it.
func (s Secret) read(by string, log *slog.Logger) (string, error) {
	if s.file == "" {
		return s.text, nil
	}
	data, err := file.ReadSecret(by, s.file, maxSecret, log)
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(data))
	if text == "" {
		return "", fmt.Errorf("%s: read %s: it is empty", by, s.file)
	}
	return text, nil
}
