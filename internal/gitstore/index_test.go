package gitstore

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore/gittest"
)

// indexOf returns a pack index as git writes it, and where it says the objects
// stand: every tenth beyond 2 GiB.
func indexOf(n int) (data []byte, places map[plumbing.Hash]int64) {
	names := make([]plumbing.Hash, n)
	for i := range names {
		names[i] = sha1.Sum(strconv.AppendInt(nil, int64(i), 10))
	}
	slices.SortFunc(names, func(a, b plumbing.Hash) int { return bytes.Compare(a[:], b[:]) })
	data = []byte("\377tOc\x00\x00\x00\x02")
	for b := range 256 {
		last := slices.IndexFunc(names, func(h plumbing.Hash) bool { return int(h[0]) > b })
		if last < 0 {
			last = n
		}
		data = binary.BigEndian.AppendUint32(data, uint32(last))
	}
	var short, long []byte
	places = make(map[plumbing.Hash]int64)
	for i, h := range names {
		data = append(data, h[:]...)
		places[h] = int64(i) + 12
		if i%10 == 3 {
			places[h] += 5 << 30
			short = binary.BigEndian.AppendUint32(short, uint32(1<<31|len(long)/8))
			long = binary.BigEndian.AppendUint64(long, uint64(places[h]))
		} else {
			short = binary.BigEndian.AppendUint32(short, uint32(places[h]))
		}
	}
	data = append(data, make([]byte, 4*n)...) // checksums, which git's index-pack looks at
	data = append(append(data, short...), long...)
	return append(data, make([]byte, indexTrailer)...), places
}

// An index finds what it names and nothing else, whether it is read at once or in
// parts, and whether the name is the first that is asked for or not.
func TestIndex_find(t *testing.T) {
	for _, n := range []int{0, 1, 300, maxWholeIndex / int(indexEntry) * 2} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			data, places := indexOf(n)
			path := filepath.Join(t.TempDir(), "pack-1.idx")
			gittest.Must(t, os.WriteFile(path, data, 0o600))
			x, err := openIndex(path)
			gittest.Must(t, err)
			defer x.close()
			if whole := x.file == nil; whole != (len(data) <= maxWholeIndex) {
				t.Errorf("an index of %d bytes was read as a whole: %v", len(data), whole)
			}
			names := x.names(t)
			if len(names) != n {
				t.Errorf("the index names %d objects, want %d", len(names), n)
			}
			for _, h := range names {
				first, err := openIndex(path)
				gittest.Must(t, err)
				for _, x := range []*index{first, x} {
					if at, ok, err := x.find(h); at != places[h] || !ok || err != nil {
						t.Fatalf("%s stands at %d, %v, %v; want %d", h, at, ok, err, places[h])
					}
				}
				gittest.Must(t, first.close())
				h[19]++
				if _, ok, err := x.find(h); ok || err != nil {
					t.Fatalf("%s is found, and is not there: %v", h, err)
				}
			}
		})
	}
}

// An index that contradicts itself, or ends too early, is damage; one that can no
// longer be read is an error and not an index without objects.
func TestIndex_damaged(t *testing.T) {
	good, places := indexOf(maxWholeIndex / int(indexEntry) * 2)
	path := filepath.Join(t.TempDir(), "pack-1.idx")
	for name, damage := range map[string]func([]byte) []byte{
		"version":   func(b []byte) []byte { b[7] = 3; return b },
		"empty":     func([]byte) []byte { return nil },
		"head":      func(b []byte) []byte { return b[:indexNames-1] },
		"cut off":   func(b []byte) []byte { return b[:len(b)/2] },
		"unordered": func(b []byte) []byte { b[8] = 1; return b },
	} {
		gittest.Must(t, os.WriteFile(path, damage(bytes.Clone(good)), 0o600))
		if x, err := openIndex(path); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: the index is %v, %v", name, x, err)
		}
	}
	gittest.Must(t, os.WriteFile(path, good, 0o600))
	x, err := openIndex(path)
	gittest.Must(t, err)
	gittest.Must(t, x.close())
	for h := range places {
		if _, ok, err := x.find(h); ok || !errors.Is(err, os.ErrClosed) {
			t.Fatalf("a closed index has %s: %v, %v", h, ok, err)
		}
	}
}
