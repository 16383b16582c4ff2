package source

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/gitstore"
)

// memoryRemote is a repository in memory, which a source is connected with directly.
type memoryRemote struct {
	objects map[plumbing.Hash]gitstore.Object
	head    plumbing.Hash
	now     int64
	packs   int // how many were asked for
}

func newMemoryRemote() *memoryRemote {
	return &memoryRemote{objects: make(map[plumbing.Hash]gitstore.Object)}
}

// open opens a source of the repository, with a mirror.
func (m *memoryRemote) open(t testing.TB, mirror string) *Git {
	t.Helper()
	g, err := OpenGit(GitConfig{URL: "/nowhere", Path: "in", Mirror: mirror})
	must(t, err)
	g.remote = m
	return g
}

// push makes the files the newest commit, which follows the last.
func (m *memoryRemote) push(files map[string]string) { m.commit(m.head, files) }

func (m *memoryRemote) Connect(context.Context) (gitremote.Session, error) { return m, nil }
func (m *memoryRemote) Secrets() []string                                  { return nil }
func (m *memoryRemote) Denied()                                            {}
func (m *memoryRemote) CloseIdle()                                         {}
func (m *memoryRemote) Check() error                                       { return nil }
func (m *memoryRemote) Close() error                                       { return nil }

func (m *memoryRemote) AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error) {
	refs := packp.NewAdvRefs()
	refs.References["refs/heads/main"], refs.References["refs/heads/other"] = m.head, m.head
	return refs, nil
}

// UploadPack answers with what the wanted commits have, and none that the other has.
func (m *memoryRemote) UploadPack(_ context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	m.packs++
	has, wants := make(map[plumbing.Hash]bool), make(map[plumbing.Hash]bool)
	for _, h := range req.Haves {
		m.walk(h, has, nil)
	}
	for _, h := range req.Wants {
		m.walk(h, wants, has)
	}
	return packp.NewUploadPackResponseWithPackfile(req, io.NopCloser(bytes.NewReader(m.pack(slices.Collect(maps.Keys(wants)))))), nil
}

// walk adds to seen what can be reached from an object, except where not leads.
func (m *memoryRemote) walk(h plumbing.Hash, seen, not map[plumbing.Hash]bool) {
	o, ok := m.objects[h]
	if !ok || seen[h] || not[h] {
		return
	}
	seen[h] = true
	switch o.Kind {
	case plumbing.CommitObject:
		m.walk(m.treeOf(h), seen, not)
		for line := range strings.SplitSeq(string(o.Data), "\n") {
			if parent, ok := strings.CutPrefix(line, "parent "); ok {
				m.walk(plumbing.NewHash(parent), seen, not)
			}
		}
	case plumbing.TreeObject:
		entries, err := gitstore.ParseTree(o.Data)
		if err != nil {
			panic(err)
		}
		for _, e := range entries {
			m.walk(e.Hash, seen, not)
		}
	}
}

func (m *memoryRemote) treeOf(commit plumbing.Hash) plumbing.Hash {
	return plumbing.NewHash(string(m.objects[commit].Data[len("tree "):][:2*gitstore.HashSize]))
}

func (m *memoryRemote) pack(names []plumbing.Hash) []byte {
	var b bytes.Buffer
	b.WriteString("PACK\x00\x00\x00\x02")
	_ = binary.Write(&b, binary.BigEndian, uint32(len(names)))
	z := zlib.NewWriter(nil)
	for _, h := range names {
		o := m.objects[h]
		first, rest := byte(o.Kind)<<4|byte(len(o.Data)&15), len(o.Data)>>4
		for ; rest > 0; rest >>= 7 {
			b.WriteByte(first | 0x80)
			first = byte(rest & 0x7f)
		}
		b.WriteByte(first)
		z.Reset(&b)
		_, _ = z.Write(o.Data)
		_ = z.Close()
	}
	sum := sha1.Sum(b.Bytes())
	return append(b.Bytes(), sum[:]...)
}

func (m *memoryRemote) add(kind plumbing.ObjectType, data string) plumbing.Hash {
	o := gitstore.Object{Kind: kind, Data: []byte(data)}
	h := gitstore.HashObject(kind, o.Data)
	m.objects[h] = o
	return h
}

// commit makes the files the newest commit of the branch.
func (m *memoryRemote) commit(parent plumbing.Hash, files map[string]string) plumbing.Hash {
	m.now++
	text := "tree " + m.tree(files).String() + "\n"
	if !parent.IsZero() {
		text += "parent " + parent.String() + "\n"
	}
	text += fmt.Sprintf("author Ann <ann@example.com> %d +0000\ncommitter Bob <bob@example.com> %[1]d +0000\n\nchange\n", 1_700_000_000+m.now)
	m.head = m.add(plumbing.CommitObject, text)
	return m.head
}

// tree adds a folder, and those in it.
func (m *memoryRemote) tree(files map[string]string) plumbing.Hash {
	folders := make(map[string]map[string]string)
	var entries []gitstore.TreeEntry
	modes := make(map[string]string)
	for name, text := range files {
		if folder, rest, ok := strings.Cut(name, "/"); ok {
			if folders[folder] == nil {
				folders[folder] = make(map[string]string)
			}
			folders[folder][rest] = text
			continue
		}
		mode := "100644"
		if target, ok := strings.CutPrefix(text, "->"); ok {
			mode, text = "120000", target
		}
		modes[name] = mode
		entries = append(entries, gitstore.TreeEntry{Name: name, Hash: m.add(plumbing.BlobObject, text)})
	}
	for name, files := range folders {
		modes[name] = "40000"
		entries = append(entries, gitstore.TreeEntry{Name: name, Mode: os.ModeDir, Hash: m.tree(files)})
	}
	slices.SortFunc(entries, gitstore.CompareEntries)
	var b strings.Builder
	for _, e := range entries {
		b.WriteString(modes[e.Name] + " " + e.Name + "\x00")
		b.Write(e.Hash[:])
	}
	return m.add(plumbing.TreeObject, b.String())
}
