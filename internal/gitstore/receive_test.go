package gitstore

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// packOf writes a pack of the entries, each of a kind, a size it claims and a
// content. The base of a delta is the entry before it, or more entries back.
type packOf []struct {
	kind plumbing.ObjectType
	size int64
	data []byte
	more int
}

func (entries packOf) bytes(claims int) []byte {
	var b bytes.Buffer
	b.WriteString("PACK\x00\x00\x00\x02")
	_ = binary.Write(&b, binary.BigEndian, uint32(claims))
	var starts []int
	for i, e := range entries {
		start := b.Len()
		starts = append(starts, start)
		first, rest := byte(e.kind)<<4|byte(e.size&15), e.size>>4
		for ; rest > 0; rest >>= 7 {
			b.WriteByte(first | 0x80)
			first = byte(rest & 0x7f)
		}
		b.WriteByte(first)
		if e.kind == plumbing.OFSDeltaObject {
			b.WriteByte(byte(start - starts[max(i-1-e.more, 0)]))
		}
		z := zlib.NewWriter(&b)
		_, _ = z.Write(e.data)
		_ = z.Close()
	}
	sum := sha1.Sum(b.Bytes())
	b.Write(sum[:])
	return b.Bytes()
}

// A pack is refused for what it would unfold to, before memory is spent on it.
func TestPackBombs(t *testing.T) {
	small := []byte("hello")
	delta := append(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(small))), 1<<40), 0x90, 5)
	blob := packOf{{kind: plumbing.BlobObject, size: 5, data: small}}
	tests := []struct {
		name string
		pack []byte
		want error
	}{
		{"a fair one", blob.bytes(1), nil},
		{"many objects", blob.bytes(1 << 31), packfile.ErrMalformedPackFile},
		{"a large object", packOf{{kind: plumbing.BlobObject, size: MaxObject + 1, data: small}}.bytes(1), ErrTooLarge},
		{"an object larger than it says", packOf{{kind: plumbing.BlobObject, size: 4, data: small}}.bytes(1), packfile.ErrMalformedPackFile},
		{"a delta of a large object", append(blob, packOf{{kind: plumbing.OFSDeltaObject, size: int64(len(delta)), data: delta}}...).bytes(2), ErrTooLarge},
		{"more than may be fetched", packOf{{kind: plumbing.BlobObject, size: 1 << 20, data: randomBytes(1 << 20)}}.bytes(1), ErrTooLarge},
		{"another checksum", append(bytes.TrimSuffix(blob.bytes(1), blob.bytes(1)[len(blob.bytes(1))-20:]), make([]byte, 20)...), packfile.ErrMalformedPackFile},
		{"an object smaller than it says", packOf{{kind: plumbing.BlobObject, size: 6, data: small}}.bytes(1), packfile.ErrMalformedPackFile},
		{"nothing", nil, packfile.ErrMalformedPackFile},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Receive(t.Context(), bytes.NewReader(test.pack), dir, 1<<20)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, test.want) {
				t.Errorf("the error is %v, want %v", err, test.want)
			}
			if spent := after.TotalAlloc - before.TotalAlloc; spent > 16<<20 {
				t.Errorf("%d bytes were allocated", spent)
			}
			if left, _ := os.ReadDir(dir); test.want != nil && len(left) > 0 {
				t.Errorf("it left %v", left)
			}
		})
	}
}

func randomBytes(n int) []byte {
	data, _ := io.ReadAll(io.LimitReader(rand.NewChaCha8([32]byte{}), int64(n)))
	return data
}
