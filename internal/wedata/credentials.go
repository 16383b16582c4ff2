package wedata

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Times of credentials that expire.
const (
	renewBefore  = 5 * time.Minute  // how long before they expire new ones are asked for
	renewBackoff = 30 * time.Second // how long a failed renewal is not repeated
)

const redacted = "[redacted]"

// maxSecret bounds an id, a key or a token in bytes. A token is a header, and the
// headers of a request have to fit the transport's write buffer.
const maxSecret = 8 << 10

// Credentials are what requests are signed with. They are safe for concurrent
// use: an id, a key and a token that belong together are read together. Nothing
// prints them.
type Credentials struct {
	find func(context.Context) (keys, error)

	mu       sync.Mutex
	keys     keys
	notAgain time.Time // no renewal before: the last one failed
}

// keys belong together.
type keys struct {
	id, key, token string
	expires        time.Time // zero if they do not
	origin         string    // where they come from, in words
}

// StaticCredentials returns credentials that never change; token may be empty.
func StaticCredentials(secretID, secretKey, token string) *Credentials {
	k := keys{id: secretID, key: secretKey, token: token, origin: "given"}
	return &Credentials{keys: k, find: func(context.Context) (keys, error) { return k, nil }}
}

// FindCredentials finds credentials where the SDK's users keep them: see
// [CredentialSources]. The error is a [*NoCredentialsError] if there are none.
func FindCredentials(ctx context.Context, from CredentialSources) (*Credentials, error) {
	c := &Credentials{find: from.find}
	k, err := c.find(ctx)
	if err != nil {
		return nil, err
	}
	c.keys = k
	return c, nil
}

// Reload looks for credentials again and reports whether they are others. After an
// error the old ones stay.
func (c *Credentials) Reload(ctx context.Context) (changed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reload(ctx)
}

func (c *Credentials) reload(ctx context.Context) (changed bool, err error) {
	k, err := c.find(ctx)
	if err != nil {
		return false, fmt.Errorf("reload credentials: %w", err)
	}
	old := c.keys
	c.keys = k
	return old.id != k.id || old.key != k.key || old.token != k.token, nil
}

// Origin says where the credentials come from, such as "the environment".
func (c *Credentials) Origin() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.keys.origin
}

// current returns the keys to sign with now, renewed if they are about to expire.
func (c *Credentials) current(ctx context.Context) (keys, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.keys.expires.IsZero() || now.Before(c.keys.expires.Add(-renewBefore)) {
		return c.keys, nil
	}
	expired := !now.Before(c.keys.expires)
	if !expired && now.Before(c.notAgain) {
		return c.keys, nil
	}
	if _, err := c.reload(ctx); err != nil {
		c.notAgain = now.Add(renewBackoff)
		if expired {
			return keys{}, err
		}
	}
	return c.keys, nil
}

// The methods that could print a Credentials, and do not.

// String returns "[redacted]".
func (c *Credentials) String() string { return redacted }

// GoString returns "[redacted]".
func (c *Credentials) GoString() string { return redacted }

// Format writes "[redacted]", whatever the verb.
func (c *Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[redacted]", and so does what builds on it, such as JSON.
func (c *Credentials) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]".
func (c *Credentials) LogValue() slog.Value { return slog.StringValue(redacted) }

func (keys) String() string                    { return redacted }
func (keys) GoString() string                  { return redacted }
func (keys) Format(f fmt.State, _ rune)        { _, _ = io.WriteString(f, redacted) }
func (keys) MarshalText() ([]byte, error)      { return []byte(redacted), nil }
func (keys) LogValue() slog.Value              { return slog.StringValue(redacted) }
func (k keys) secrets() []string               { return []string{k.id, k.key, k.token} }
func (k keys) GetSecretId() string             { return k.id }
func (k keys) GetSecretKey() string            { return k.key }
func (k keys) GetToken() string                { return k.token }
func (k keys) GetCredential() (a, b, c string) { return k.id, k.key, k.token }

// check reports what makes the keys unusable, without naming their value.
func (k keys) check() error {
	if k.id == "" || k.key == "" {
		return errors.New("the secret id or the secret key is empty")
	}
	for _, s := range k.secrets() {
		if len(s) > maxSecret {
			return fmt.Errorf("the secret id, the secret key or the token is over %d bytes", maxSecret)
		}
		for _, b := range []byte(s) {
			if b <= ' ' || b >= 0x7f {
				return errors.New("the secret id, the secret key or the token has a space or a character that is not ASCII")
			}
		}
	}
	return nil
}
