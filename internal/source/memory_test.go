package source

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore"
)

// memoryRemote is a git server on loopback, of a repository in memory.
type memoryRemote struct {
	*httptest.Server
	version2, filters bool
	noTrees, ignores  bool // what it does when it filters
	// byName answers who asks for objects by their names; nil: it gives them.
	byName func(w http.ResponseWriter, req *http.Request, m *memoryRemote)

	objects map[plumbing.Hash]gitstore.Object
	head    plumbing.Hash
	now     int64
	packs   int // how many were asked for
}

// newMemoryRemote starts a server, which whoever asks for it closes.
func newMemoryRemote(version2, filters bool) *memoryRemote {
	m := &memoryRemote{version2: version2, filters: filters, objects: make(map[plumbing.Hash]gitstore.Object)}
	m.Server = httptest.NewServer(http.HandlerFunc(m.serve))
	return m
}

// startMemory starts a server that ends with the test.
func startMemory(t testing.TB) *memoryRemote {
	m := newMemoryRemote(true, false)
	t.Cleanup(m.Close)
	return m
}

// open opens a source of the repository, with a mirror.
func (m *memoryRemote) open(t testing.TB, mirror string) *Git {
	t.Helper()
	g, err := OpenGit(GitConfig{URL: m.URL, Path: "in", Mirror: mirror})
	must(t, err)
	return g
}

// push makes the files the newest commit, which follows the last.
func (m *memoryRemote) push(files map[string]string) { m.commit(m.head, files) }

// serve answers as git-upload-pack does.
func (m *memoryRemote) serve(w http.ResponseWriter, req *http.Request) {
	in := req.Body
	if req.Header.Get("Content-Encoding") == "gzip" {
		var err error
		if in, err = gzip.NewReader(in); err != nil {
			panic(err)
		}
	}
	body, err := io.ReadAll(in)
	if err != nil {
		panic(err)
	}
	version2 := m.version2 && req.Header.Get("Git-Protocol") == "version=2"
	switch asked := packetsOf(body); {
	case req.Method == http.MethodGet && version2:
		fetch := "fetch=shallow"
		if m.filters {
			fetch += " filter"
		}
		sendLines(w, "version 2", "ls-refs", fetch, "object-format=sha1")
	case req.Method == http.MethodGet:
		fmt.Fprint(w, "001e# service=git-upload-pack\n0000")
		sendLines(w, m.head.String()+" refs/heads/main\x00side-band-64k ofs-delta", m.head.String()+" refs/heads/other")
	case version2 && asked[0] == "command=ls-refs":
		sendLines(w, m.head.String()+" refs/heads/main")
	case version2 && asked[0] == "command=fetch":
		if !m.filters && strings.Contains(string(body), "filter ") {
			sendLines(w, "ERR unexpected line: filter")
			return
		}
		if m.byName != nil && !strings.Contains(string(body), m.head.String()) {
			m.byName(w, req, m)
			return
		}
		fmt.Fprint(w, "000dpackfile\n")
		sendBand(w, m.uploadPack(asked))
	case strings.HasPrefix(asked[0], "command="):
		w.WriteHeader(http.StatusBadRequest)
	default:
		sendPack(w, m.uploadPack(asked))
	}
}

// packetsOf returns the lines of a request.
func packetsOf(body []byte) (lines []string) {
	for len(body) > 0 {
		size, err := strconv.ParseUint(string(body[:4]), 16, 16)
		if err != nil {
			panic(err)
		}
		n := max(int(size), 4)
		if line := strings.TrimSuffix(string(body[4:n]), "\n"); line != "" {
			lines = append(lines, line)
		}
		body = body[n:]
	}
	return append(lines, "")
}

func sendLines(w io.Writer, lines ...string) {
	for _, line := range lines {
		fmt.Fprintf(w, "%04x%s\n", len(line)+5, line)
	}
	fmt.Fprint(w, "0000")
}

// uploadPack makes a pack of what the wanted objects have, and none that the other has.
func (m *memoryRemote) uploadPack(asked []string) []byte {
	m.packs++
	has, wants := make(map[plumbing.Hash]bool), make(map[plumbing.Hash]bool)
	limit := math.MaxInt
	for _, line := range asked {
		word, value, _ := strings.Cut(line, " ")
		switch hash, _, _ := strings.Cut(value, " "); {
		case word == "have":
			m.walk(plumbing.NewHash(hash), has, nil)
		case word == "filter" && value == "blob:none":
			limit = 0
		case word == "filter":
			if _, err := fmt.Sscanf(value, "blob:limit=%d", &limit); err != nil {
				panic(err)
			}
		}
	}
	for _, line := range asked {
		if hash, ok := strings.CutPrefix(line, "want "); ok {
			want := plumbing.NewHash(hash[:2*gitstore.HashSize])
			if _, ok := m.objects[want]; !ok {
				panic("not our ref " + hash)
			}
			found := make(map[plumbing.Hash]bool)
			m.walk(want, found, has)
			for h := range found {
				switch o := m.objects[h]; {
				case h == want, limit == math.MaxInt, m.ignores:
					wants[h] = true
				case o.Kind == plumbing.BlobObject && len(o.Data) >= limit, m.noTrees && o.Kind == plumbing.TreeObject:
				default:
					wants[h] = true
				}
			}
		}
	}
	return m.pack(slices.Collect(maps.Keys(wants)))
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
