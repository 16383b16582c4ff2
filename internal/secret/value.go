package secret

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/wedatasync/wedatasync/internal/file"
)

// Value is a token, a key or a URL that nothing may show: it prints as
// [redacted] in every format, in logs and in JSON. The zero Value is none.
type Value struct {
	text string
	file string
}

// Text returns a secret that is known.
func Text(text string) Value { return Value{text: strings.TrimSpace(text)} }

// File returns a secret that is read from the file at each use, so that it
// can be exchanged while the program runs. Space around it does not count.
func File(path string) Value { return Value{file: path} }

// File returns the file that the secret is read from; empty if there is none.
func (s Value) File() string { return s.file }

// IsZero reports whether there is no secret.
func (s Value) IsZero() bool { return s == Value{} }

// String returns "[redacted]".
func (Value) String() string { return Redacted }

// Format writes "[redacted]", whatever the verb.
func (Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue returns "[redacted]".
func (Value) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText returns "[redacted]".
func (Value) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// maxSecret bounds a secret in bytes.
const maxSecret = 8 << 10

// Read returns the secret itself. An error names the file, and by, which is the setting
// that names it, and never what is in it.
func (s Value) Read(by string, log *slog.Logger) (string, error) {
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
