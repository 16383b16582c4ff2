package wedata

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/internal/secret"
)

// Times of credentials that expire.
const (
	renewBefore  = 5 * time.Minute  // how long before they expire new ones are asked for
	renewBackoff = 30 * time.Second // how long a failed renewal is not repeated
)

const redacted = secret.Redacted

// maxSecret bounds an id, a key or a token in bytes. A token is a header, and the
// headers of a request have to fit the transport's write buffer.
const maxSecret = 8 << 10

// Credentials are what requests are signed with. They are safe for concurrent
// use: an id, a key and a token that belong together are read together. Nothing
// prints them.
type Credentials struct {
	find func(context.Context) (keys, error)
	// finding is held by who looks for others, who may have to wait for a network.
	// Who signs meanwhile does not wait.
	finding sync.Mutex

	mu       sync.Mutex
	keys     keys
	notAgain time.Time // no renewal before: the last one failed
}

// keys belong together.
type keys struct {
	id, key, token string
	expires        time.Time // zero if they do not
	origin         string    // where they come from, in words
	file           string    // they were read from; empty if it was none
	turn           uint64    // how many others there were before
}

// FindCredentials finds credentials where the SDK's users keep them: see
// [CredentialSources]. Where they were found is where they are looked for again. The
// error is a [*NoCredentialsError] if there are none.
func FindCredentials(ctx context.Context, from CredentialSources) (*Credentials, error) {
	k, source, err := from.find(ctx)
	if err != nil {
		return nil, err
	}
	return &Credentials{keys: k, find: func(ctx context.Context) (keys, error) { return ask(ctx, source) }}, nil
}

// Reload looks for credentials again, where they were found, and reports whether
// they are others. After an error the old ones stay.
func (c *Credentials) Reload(ctx context.Context) (changed bool, err error) {
	c.finding.Lock()
	defer c.finding.Unlock()
	return c.reload(ctx)
}

// reload needs finding.
func (c *Credentials) reload(ctx context.Context) (changed bool, err error) {
	k, err := c.find(ctx)
	if err != nil {
		return false, fmt.Errorf("reload credentials: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.keys
	changed = old.id != k.id || old.key != k.key || old.token != k.token
	if k.turn = old.turn; changed {
		k.turn++
	}
	c.keys, c.notAgain = k, time.Time{}
	return changed, nil
}

// Origin says where the credentials come from, such as "the environment".
func (c *Credentials) Origin() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.keys.origin
}

// File is the file that the credentials were read from; empty if it was none.
func (c *Credentials) File() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.keys.file
}

// current returns the keys to sign with now, renewed if they are about to expire.
func (c *Credentials) current(ctx context.Context) (keys, error) {
	now := time.Now()
	k, due := c.held(now)
	if !due {
		return k, nil
	}
	if now.Before(k.expires) {
		if !c.finding.TryLock() {
			return k, nil // they are being renewed, and good until then
		}
	} else {
		c.finding.Lock()
	}
	defer c.finding.Unlock()
	if k, due = c.held(now); !due {
		return k, nil // somebody else was faster
	}
	if _, err := c.reload(ctx); err != nil {
		c.mu.Lock()
		c.notAgain = now.Add(renewBackoff)
		c.mu.Unlock()
		if !now.Before(k.expires) {
			return keys{}, err
		}
	}
	k, _ = c.held(now)
	return k, nil
}

// held returns the keys, and whether they are to be renewed.
func (c *Credentials) held(now time.Time) (k keys, due bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k = c.keys
	switch {
	case k.expires.IsZero() || now.Before(k.expires.Add(-renewBefore)):
		return k, false
	case now.Before(k.expires) && now.Before(c.notAgain):
		return k, false
	default:
		return k, true
	}
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
