package notify

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
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

const redacted = "[redacted]"

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// Format writes "[redacted]", whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// maxSecret bounds a secret in bytes.
const maxSecret = 8 << 10

// read returns the secret itself. An error names the file and never what is in it.
func (s Secret) read() (string, error) {
	if s.file == "" {
		return s.text, nil
	}
	file, err := os.Open(s.file)
	if err != nil {
		return "", err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	text := strings.TrimSpace(string(data))
	switch {
	case err != nil:
		return "", err
	case len(data) > maxSecret:
		return "", fmt.Errorf("read %s: it has more than %d bytes", s.file, maxSecret)
	case text == "":
		return "", fmt.Errorf("read %s: it is empty", s.file)
	}
	return text, nil
}
