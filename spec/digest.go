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
	var h hasher
	h.number(int64(c.CommitType))
	h.number(int64(c.TaskType.OrDefault()))
	h.params(c.ExtConfig)
	return h.sum()
}

// ExtDigest digests extConfig alone, in order of name.
func (c *Commit) ExtDigest() Digest {
	h := hasher{make([]byte, 0, 256)} // of most, on the stack
	h.params(c.ExtConfig)
	return h.sum()
}

// Wanted digests all that a person can change in the spec to ask for something
// else: it is what a refusal or an approval is remembered for. Where the spec
// stands in its file, and whether it is suspended, are not part of it.
func (c *Commit) Wanted() Digest {
	var h hasher
	h.text(c.ProjectID)
	h.text(c.TaskID)
	h.number(int64(c.CommitType))
	h.number(int64(c.TaskType))
	h.number(c.InstanceVersion)
	h.text(c.VersionDesc)
	h.text(c.EventDesc)
	h.params(c.ExtConfig)
	h.text(c.Rerun)
	return h.sum()
}

// Request digests the request this commit would send, field for field.
func (c *Commit) Request() Digest {
	var h hasher
	h.text(c.ProjectID)
	h.text(c.TaskID)
	h.number(int64(c.CommitType))
	h.number(int64(c.TaskType))
	h.number(c.InstanceVersion)
	h.text(c.VersionDesc)
	h.text(c.EventDesc)
	h.number(int64(len(c.ExtConfig)))
	for _, p := range c.ExtConfig {
		h.text(p.Name)
		h.text(p.Value)
	}
	return h.sum()
}

// hasher writes values with their lengths, so that no two lists of values
// have the same bytes.
type hasher struct{ buf []byte }

func (h *hasher) number(n int64) { h.buf = binary.AppendVarint(h.buf, n) }

func (h *hasher) text(s string) {
	h.buf = binary.AppendUvarint(h.buf, uint64(len(s)))
	h.buf = append(h.buf, s...)
}

func (h *hasher) params(params []Param) {
	if len(params) > 1 {
		params = slices.SortedFunc(slices.Values(params), func(a, b Param) int {
			return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
		})
	}
	h.number(int64(len(params)))
	for _, p := range params {
		h.text(p.Name)
		h.text(p.Value)
	}
}

func (h *hasher) sum() Digest { return sha256.Sum256(h.buf) }
