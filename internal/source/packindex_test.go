package source

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The index is git's own, to the byte: with deltas in chains and of large files, by
// place and by name.
func TestIndexEqualsGits(t *testing.T) {
	r := newRepo(t)
	lines := strings.Split(strings.Repeat("a line of a large file\n", 60_000), "\n") // more than smallContent
	for version := range 7 {
		files := manyFiles(10, version+1)
		for at := version; at < len(lines); at += 10_000 {
			lines[at] = fmt.Sprintf("line %d of version %d", at, version)
		}
		files["large.txt"] = strings.Join(lines, "\n")
		files["noise.bin"] = string(randomBytes(1<<10 + version))
		r.commit(files)
	}
	for _, byPlace := range []string{"true", "false"} {
		t.Run("by place: "+byPlace, func(t *testing.T) {
			r.bare("-c", "repack.useDeltaBaseOffset="+byPlace, "repack", "-q", "-a", "-d", "-f", "--depth=50")
			packs, err := filepath.Glob(filepath.Join(r.dir, "objects", "pack", "*.pack"))
			must(t, err)
			if len(packs) != 1 {
				t.Fatalf("there is %v", packs)
			}
			want, err := os.ReadFile(strings.TrimSuffix(packs[0], ".pack") + ".idx")
			must(t, err)
			dir := t.TempDir()
			pack, err := os.ReadFile(packs[0])
			must(t, err)
			name, err := receivePack(t.Context(), bytes.NewReader(pack), dir, 1<<30, [hashSize]byte{})
			must(t, err)
			got, err := os.ReadFile(name + ".idx")
			must(t, err)
			if !bytes.Equal(got, want) {
				t.Errorf("it has %d bytes and another content; git's has %d", len(got), len(want))
			}
			if left, _ := os.ReadDir(dir); len(left) != 2 {
				t.Errorf("it left %v", left)
			}
			if stat := r.bare("verify-pack", "-v", packs[0]); !strings.Contains(stat, "chain length = 3") {
				t.Errorf("there are no chains to speak of: %s", stat[max(0, len(stat)-400):])
			}
		})
	}
}

// BenchmarkIndexPack measures working out a pack of many small objects.
func BenchmarkIndexPack(b *testing.B) {
	r := newRepo(b)
	head := r.importFiles("", true, manyFiles(10_000, 1))
	for version := range 5 {
		head = r.importFiles(head, false, manyFiles(2_000, version+2))
	}
	r.bare("repack", "-q", "-a", "-d", "-f")
	packs, err := filepath.Glob(filepath.Join(r.dir, "objects", "pack", "*.pack"))
	must(b, err)
	file, err := os.Open(packs[0])
	must(b, err)
	defer file.Close()
	info, err := file.Stat()
	must(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := indexPack(b.Context(), file, info.Size()); err != nil {
			b.Fatal(err)
		}
	}
}
