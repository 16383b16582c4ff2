package secret_test

import (
	"errors"
	"net/url"
	"testing"

	"github.com/wedatasync/wedatasync/internal/secret"
)

// TestPlainHosts lets a secret out over http to this machine and to named hosts alone.
func TestPlainHosts(t *testing.T) {
	const named = secret.PlainHosts("git.internal, 10.0.0.7")
	for address, want := range map[string]error{
		"https://example.com/":               nil,
		"http://localhost:8080/":             nil,
		"http://127.0.0.9/":                  nil,
		"http://[::1]:9/":                    nil,
		"http://[::ffff:127.0.0.1]/":         nil,
		"http://git.internal/x.git":          nil,
		"http://GIT.internal:3000/":          nil,
		"http://10.0.0.7/":                   nil,
		"http://example.com/":                secret.ErrPlain,
		"http://git.internal.example.com/":   secret.ErrPlain,
		"http://localhost.example.com/":      secret.ErrPlain,
		"http://127.0.0.1.example.com/":      secret.ErrPlain,
		"http://169.254.169.254/":            secret.ErrPlain,
		"http://git.internal@example.com/":   secret.ErrPlain,
		"http://example.com/?host=localhost": secret.ErrPlain,
		"http://%31%30.0.0.8/":               secret.ErrPlain,
		"http://0x7f.1/":                     secret.ErrPlain,
		"http://2130706433/":                 secret.ErrPlain,
	} {
		u, err := url.Parse(address)
		if err != nil {
			continue
		}
		if err := named.Check(u); !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", address, err, want)
		}
	}
	if err := secret.PlainHosts("").Check(&url.URL{Scheme: "http", Host: ""}); !errors.Is(err, secret.ErrPlain) {
		t.Errorf("no host is named, and is let through: %v", err)
	}
}
