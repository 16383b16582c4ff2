package spec

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Digest is a SHA-256 over some part of a commit.
type Digest [sha256.Size]byte

// IsZero reports whether d was never computed.
func (d Digest) IsZero() bool { return d == Digest{} }

// String returns the digest in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText writes the digest in hexadecimal, a zero digest as nothing.
func (d Digest) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what MarshalText wrote.
func (d *Digest) UnmarshalText(text []byte) error {
	*d = Digest{}
	if len(text) == 0 {
		return nil
	}
	if len(text) != hex.EncodedLen(len(d)) {
		return fmt.Errorf("read digest: %d characters, want %d", len(text), hex.EncodedLen(len(d)))
	}
	if _, err := hex.Decode(d[:], text); err != nil {
		return fmt.Errorf("read digest: %w", err)
	}
	return nil
}

// Content digests what the task would do: commit type, task type and extConfig,
// with the API's defaults filled in and extConfig in order of name, so that two
// ways to write the same thing have one digest.
func (c *Commit) Content() Digest {
	return make(canonical, 0, digestRoom).
		number(int64(c.CommitType)).
		number(int64(c.TaskType.OrDefault())).
		params(c.ExtConfig).
		digest()
}

// ExtDigest digests extConfig alone, in order of name.
func (c *Commit) ExtDigest() Digest {
	return make(canonical, 0, digestRoom).params(c.ExtConfig).digest()
}

// Wanted digests all that a person can change in the spec to ask for something
// else: it is what a refusal or an approval is remembered for. Where the spec
// stands in its file, and whether it is suspended, are not part of it.
func (c *Commit) Wanted() Digest {
	return c.head(make(canonical, 0, digestRoom)).params(c.ExtConfig).text(c.Rerun).digest()
}

// TokenDigest names a rerun token, in a few characters.
func TokenDigest(token string) string {
	d := sha256.Sum256([]byte(token))
	return hex.EncodeToString(d[:8])
}

// Digest digests the identity of a task.
func (k Key) Digest() Digest {
	return make(canonical, 0, digestRoom).text(k.ProjectID).text(k.TaskID).digest()
}

// Request digests the request this commit would send, field for field.
func (c *Commit) Request() Digest {
	b := c.head(make(canonical, 0, digestRoom)).number(int64(len(c.ExtConfig)))
	for _, p := range c.ExtConfig {
		b = b.text(p.Name).text(p.Value)
	}
	return b.digest()
}

// head appends what Wanted and Request begin with.
func (c *Commit) head(b canonical) canonical {
	return b.
		text(c.ProjectID).
		text(c.TaskID).
		number(int64(c.CommitType)).
		number(int64(c.TaskType)).
		number(c.InstanceVersion).
		text(c.VersionDesc).
		text(c.EventDesc)
}

// digestRoom is enough for most digests, in bytes, and little enough for the stack.
const digestRoom = 256

// canonical is values with their lengths, so that no two lists of values have the same
// bytes.
type canonical []byte

func (b canonical) number(n int64) canonical { return binary.AppendVarint(b, n) }

func (b canonical) text(s string) canonical {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func (b canonical) params(params []Param) canonical {
	if len(params) > 1 {
		params = slices.SortedFunc(slices.Values(params), func(a, b Param) int {
			return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
		})
	}
	b = b.number(int64(len(params)))
	for _, p := range params {
		b = b.text(p.Name).text(p.Value)
	}
	return b
}

func (b canonical) digest() Digest { return sha256.Sum256(b) }
