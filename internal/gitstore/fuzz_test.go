package gitstore

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore/gittest"
)

// A tree is read without a panic; one that is taken is in order, and says
// nothing that leads elsewhere.
func FuzzParseTree(f *testing.F) {
	hash := string(bytes.Repeat([]byte{7}, HashSize))
	f.Add([]byte("100644 a.yaml\x00" + hash + "40000 b\x00" + hash))
	f.Add([]byte("120000 a\x00" + hash + "160000 a.b\x00" + hash + "40000 a\x00" + hash))
	f.Add([]byte("40000 ..\x00" + hash))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := ParseTree(data)
		if err != nil {
			return
		}
		if !slices.IsSortedFunc(entries, CompareEntries) {
			t.Errorf("the entries %v are not in order", entries)
		}
		for _, e := range entries {
			if e.Name == "" || e.Name == "." || e.Name == ".." || bytes.ContainsAny([]byte(e.Name), "/\x00") {
				t.Errorf("an entry is named %q", e.Name)
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
		name, err := Receive(t.Context(), bytes.NewReader(data), dir, 1<<20)
		left, _ := os.ReadDir(dir)
		if err != nil {
			if len(left) > 0 {
				t.Errorf("after %v there is %v", err, left)
			}
			return
		}
		p, err := openPack(name, newObjectCache(1<<20))
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
			if o, err := p.read(at, MaxObject); err != nil || HashObject(o.Kind, o.Data) != h {
				t.Errorf("object %s is %v, %v", h, o, err)
			}
		}
	})
}

// names lists what the index names, in order.
func (x *index) names(t *testing.T) []plumbing.Hash {
	t.Helper()
	var names []plumbing.Hash
	for b := range 256 {
		s, err := x.readSpan(x.bounds(byte(b)))
		gittest.Must(t, err)
		for i := range len(s.names) / HashSize {
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
	name, err := Receive(f.Context(), bytes.NewReader(append(blob, delta...).bytes(2)), dir, 1<<20)
	gittest.Must(f, err)
	index, err := os.ReadFile(name + ".idx")
	gittest.Must(f, err)
	pack, err := os.ReadFile(name + ".pack")
	gittest.Must(f, err)
	f.Add(index, pack)
	f.Fuzz(func(t *testing.T, index, pack []byte) {
		name := filepath.Join(t.TempDir(), "pack-1")
		gittest.Must(t, os.WriteFile(name+".idx", index, 0o600))
		gittest.Must(t, os.WriteFile(name+".pack", pack, 0o600))
		p, err := openPack(name, newObjectCache(1<<20))
		if err != nil {
			return
		}
		defer p.close()
		names := p.index.names(t)
		for _, h := range names[:min(len(names), 100)] {
			if at, ok, err := p.index.find(h); ok && err == nil {
				if o, err := p.read(at, 1<<20); err == nil && len(o.Data) > 1<<20 {
					t.Errorf("%d bytes were read", len(o.Data))
				}
			}
		}
	})
}
