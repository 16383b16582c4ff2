package gitstore

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore/gittest"
)

// A small pack may hold a chain of large deltas: they are in memory one at a time.
func TestChainOfLargeDeltas(t *testing.T) {
	const size, deltas = 4_100_000, 40
	var b bytes.Buffer
	b.WriteString("PACK\x00\x00\x00\x02\x00\x00\x00\x01")
	last := b.Len()
	writeEntry(&b, plumbing.BlobObject, 0, 1, deflated([]byte("x")))
	delta := func(from uint64) (int, []byte) {
		data := binary.AppendUvarint(binary.AppendUvarint(nil, from), size)
		for left := size; left > 0; left -= min(left, 127) {
			n := min(left, 127)
			data = append(append(data, byte(n)), make([]byte, n)...)
		}
		return len(data), deflated(data)
	}
	n, data := delta(1)
	for i := range deltas {
		at := b.Len()
		writeEntry(&b, plumbing.OFSDeltaObject, at-last, n, data)
		if last = at; i == 0 {
			n, data = delta(size) // all others are alike
		}
	}
	b.Write(make([]byte, HashSize))
	path := filepath.Join(t.TempDir(), "pack-1.pack")
	gittest.Must(t, os.WriteFile(path, b.Bytes(), 0o600))
	file, err := os.Open(path)
	gittest.Must(t, err)
	defer file.Close()
	if b.Len() > 2<<20 {
		t.Fatalf("the pack has %d bytes", b.Len())
	}

	defer debug.SetGCPercent(debug.SetGCPercent(20))
	done, most := make(chan struct{}), make(chan uint64)
	go func() {
		held := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		var peak uint64
		for tick := time.NewTicker(time.Millisecond); ; {
			select {
			case <-done:
				tick.Stop()
				most <- peak
				return
			case <-tick.C:
				metrics.Read(held)
				peak = max(peak, held[0].Value.Uint64())
			}
		}
	}()
	p := &pack{file: file, size: int64(b.Len()), cache: newObjectCache(cacheSize)}
	o, err := p.read(int64(last), MaxObject)
	close(done)
	if err != nil || len(o.Data) != size {
		t.Errorf("the last object has %d bytes: %v", len(o.Data), err)
	}
	if peak := <-most; peak == 0 || peak > 100<<20 {
		t.Errorf("it took %d MiB", peak>>20)
	}
}

// writeEntry writes an entry of a pack. The base of a delta is that far back.
func writeEntry(b *bytes.Buffer, kind plumbing.ObjectType, back, size int, deflated []byte) {
	first, rest := byte(kind)<<4|byte(size&15), size>>4
	for ; rest > 0; rest >>= 7 {
		b.WriteByte(first | 0x80)
		first = byte(rest & 0x7f)
	}
	b.WriteByte(first)
	if kind == plumbing.OFSDeltaObject {
		place := []byte{byte(back & 0x7f)}
		for back >>= 7; back > 0; back >>= 7 {
			back--
			place = append([]byte{0x80 | byte(back&0x7f)}, place...)
		}
		b.Write(place)
	}
	b.Write(deflated)
}

func deflated(data []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write(data)
	_ = z.Close()
	return b.Bytes()
}
