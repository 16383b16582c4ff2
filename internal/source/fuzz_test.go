package source

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
)

// A tree is read without a panic; one that is taken is in order, and says
// nothing that leads elsewhere.
func FuzzParseTree(f *testing.F) {
	hash := string(bytes.Repeat([]byte{7}, hashSize))
	f.Add([]byte("100644 a.yaml\x00" + hash + "40000 b\x00" + hash))
	f.Add([]byte("120000 a\x00" + hash + "160000 a.b\x00" + hash + "40000 a\x00" + hash))
	f.Add([]byte("40000 ..\x00" + hash))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := parseTree(data)
		if err != nil {
			return
		}
		if !slices.IsSortedFunc(entries, compareEntries) {
			t.Errorf("the entries %v are not in order", entries)
		}
		for _, e := range entries {
			if e.name == "" || e.name == "." || e.name == ".." || bytes.ContainsAny([]byte(e.name), "/\x00") {
				t.Errorf("an entry is named %q", e.name)
			}
			if name := shown(e.name); !presentable(name) {
				t.Errorf("%q is shown as %q", e.name, name)
			}
		}
	})
}

// Whatever a server sends as a pack, it is taken in whole or not at all, and what
// was taken in can be read.
func FuzzReceivePack(f *testing.F) {
	blob := packOf{{kind: plumbing.BlobObject, size: 5, data: []byte("hello")}}
	delta := packOf{{kind: plumbing.OFSDeltaObject, size: 6, data: []byte{5, 6, 0x90, 5, 1, '!'}}}
	f.Add(blob.bytes(1))
	f.Add(append(blob, delta...).bytes(2))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		name, err := receivePack(t.Context(), bytes.NewReader(data), dir, 1<<20, plumbing.ZeroHash)
		left, _ := os.ReadDir(dir)
		if err != nil {
			if len(left) > 0 {
				t.Errorf("after %v there is %v", err, left)
			}
			return
		}
		p, err := openPack(name, newWorkspace(1<<20))
		if err != nil || len(left) != 2 {
			t.Fatalf("there is %v: %v", left, err)
		}
		defer p.close()
		names := p.index.names(t)
		if int64(len(names)) != p.index.count {
			t.Errorf("the index has %d names, and says it has %d", len(names), p.index.count)
		}
		for _, h := range names {
			at, ok, err := p.index.find(h)
			if !ok || err != nil {
				t.Fatalf("object %s is not found: %v", h, err)
			}
			if o, err := p.read(at, maxObject); err != nil || hashOf(o) != h {
				t.Errorf("object %s is %v, %v", h, o, err)
			}
		}
	})
}

func hashOf(o object) plumbing.Hash { return name(o) }

// names lists what the index names, in order.
func (x *index) names(t *testing.T) []plumbing.Hash {
	t.Helper()
	var names []plumbing.Hash
	for b := range 256 {
		s, err := x.section(x.bounds(byte(b)))
		must(t, err)
		for i := range len(s.names) / hashSize {
			names = append(names, plumbing.Hash(s.name(i)))
		}
	}
	return names
}

// Whatever a pack and its index hold on disk, reading ends with an object or an
// error, within the limit.
func FuzzReadPack(f *testing.F) {
	blob := packOf{{kind: plumbing.BlobObject, size: 5, data: []byte("hello")}}
	delta := packOf{{kind: plumbing.OFSDeltaObject, size: 6, data: []byte{5, 6, 0x90, 5, 1, '!'}}}
	dir := f.TempDir()
	name, err := receivePack(f.Context(), bytes.NewReader(append(blob, delta...).bytes(2)), dir, 1<<20, plumbing.ZeroHash)
	must(f, err)
	index, err := os.ReadFile(name + ".idx")
	must(f, err)
	pack, err := os.ReadFile(name + ".pack")
	must(f, err)
	f.Add(index, pack)
	f.Fuzz(func(t *testing.T, index, pack []byte) {
		name := filepath.Join(t.TempDir(), "pack-1")
		must(t, os.WriteFile(name+".idx", index, 0o600))
		must(t, os.WriteFile(name+".pack", pack, 0o600))
		p, err := openPack(name, newWorkspace(1<<20))
		if err != nil {
			return
		}
		defer p.close()
		names := p.index.names(t)
		for _, h := range names[:min(len(names), 100)] {
			if at, ok, err := p.index.find(h); ok && err == nil {
				if o, err := p.read(at, 1<<20); err == nil && len(o.data) > 1<<20 {
					t.Errorf("%d bytes were read", len(o.data))
				}
			}
		}
	})
}

// What an answer begins with is passed on to the byte, up to the bound.
func FuzzAckFilter(f *testing.F) {
	f.Add([]byte("0008NAK\nPACK"))
	f.Add([]byte("0031ACK " + strings.Repeat("1", 40) + "\n0008NAK\n000a\x01PACK\n"))
	f.Add([]byte("0008NA"))
	f.Add([]byte("0000ACK0003ACK"))
	f.Add([]byte(strings.Repeat("0008NAK\n", maxAcks+1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := io.ReadAll(iotest.OneByteReader(newAckFilter(iotest.HalfReader(bytes.NewReader(data)))))
		switch {
		case errors.Is(err, ErrTooLarge):
			if n := bytes.Count(data, []byte("ACK")) + bytes.Count(data, []byte("NAK")); n <= maxAcks || !bytes.HasPrefix(data, got) {
				t.Errorf("%q: after %q: %v", data, got, err)
			}
		case err != nil || !bytes.Equal(got, data):
			t.Errorf("%q is passed on as %q: %v", data, got, err)
		}
	})
}

// What is left out of a list of refs changes nothing for our branch.
func FuzzRefFilter(f *testing.F) {
	hash := strings.Repeat("1", 40)
	f.Add([]byte("001e# service=git-upload-pack\n0000" + "004a" + hash + " HEAD\x00side-band-64k ofs-delta\n" + "003d" + hash + " refs/heads/main\n" + "003d" + hash + " refs/heads/side\n0000"))
	f.Add([]byte("004a" + hash + " HEAD\x00side-band-64k ofs-delta\n" + "0033" + hash[:30] + " refs/heads/main\n0000")) // a short hash
	many := strings.Repeat("003e"+hash+" refs/heads/b0001\n", 2*maxNamed)
	f.Add([]byte("004a" + hash + " HEAD\x00side-band-64k ofs-delta\n" + many + "0035shallow " + hash + "\n0000"))
	f.Add([]byte("0000"))
	f.Fuzz(func(t *testing.T, data []byte) {
		const branch = "refs/heads/main"
		all, some := packp.NewAdvRefs(), packp.NewAdvRefs()
		if err := all.Decode(bytes.NewReader(data)); err != nil {
			return
		}
		if err := some.Decode(newRefFilter(bytes.NewReader(data), branch)); err != nil {
			t.Errorf("%q: %v", data, err)
		}
		if a, b := all.References[branch], some.References[branch]; a != b {
			t.Errorf("%q: the branch is at %s, and at %s", data, a, b)
		}
		if (len(all.Shallows) > 0) != (len(some.Shallows) > 0) {
			t.Errorf("%q: of %d places where history ends, %d are left", data, len(all.Shallows), len(some.Shallows))
		}
	})
}
