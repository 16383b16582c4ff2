package gitstore

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/gitstore/gittest"
)

// The index is git's own, to the byte: with deltas in chains and of large files, by
// place and by name.
func TestIndexEqualsGits(t *testing.T) {
	r := gittest.New(t)
	lines := strings.Split(strings.Repeat("a line of a large file\n", 60_000), "\n") // more than smallContent
	for version := range 7 {
		files := numbered(10, version+1)
		for at := version; at < len(lines); at += 10_000 {
			lines[at] = fmt.Sprintf("line %d of version %d", at, version)
		}
		files["large.txt"] = strings.Join(lines, "\n")
		files["noise.bin"] = string(randomBytes(1<<10 + version))
		r.Commit(files)
	}
	for _, byPlace := range []string{"true", "false"} {
		t.Run("by place: "+byPlace, func(t *testing.T) {
			r.Bare("-c", "repack.useDeltaBaseOffset="+byPlace, "repack", "-q", "-a", "-d", "-f", "--depth=50")
			packs, err := filepath.Glob(filepath.Join(r.Dir, "objects", "pack", "*.pack"))
			gittest.Must(t, err)
			if len(packs) != 1 {
				t.Fatalf("there is %v", packs)
			}
			want, err := os.ReadFile(strings.TrimSuffix(packs[0], ".pack") + ".idx")
			gittest.Must(t, err)
			dir := t.TempDir()
			pack, err := os.ReadFile(packs[0])
			gittest.Must(t, err)
			name, err := Receive(t.Context(), bytes.NewReader(pack), dir, 1<<30)
			gittest.Must(t, err)
			got, err := os.ReadFile(name + ".idx")
			gittest.Must(t, err)
			if !bytes.Equal(got, want) {
				t.Errorf("it has %d bytes and another content; git's has %d", len(got), len(want))
			}
			if left, _ := os.ReadDir(dir); len(left) != 2 {
				t.Errorf("it left %v", left)
			}
			if stat := r.Bare("verify-pack", "-v", packs[0]); !strings.Contains(stat, "chain length = 3") {
				t.Errorf("there are no chains to speak of: %s", stat[max(0, len(stat)-400):])
			}
		})
	}
}

// numbered makes n files in folders of 100, all of one version.
func numbered(n, version int) map[string]string {
	files := make(map[string]string, n)
	for i := range n {
		files[fmt.Sprintf("in/%04d/%06d.yaml", i/100, i)] = fmt.Sprintf("apiVersion: wedatasync/v1\ncommits:\n  - taskId: t%06d\n    projectId: \"1\"\n    commitType: start\n    instanceVersion: %d\n", i, version)
	}
	return files
}

// BenchmarkIndexPack measures working out a pack of many small objects.
func BenchmarkIndexPack(b *testing.B) {
	r := gittest.New(b)
	head := r.Import("", true, numbered(10_000, 1))
	for version := range 5 {
		head = r.Import(head, false, numbered(2_000, version+2))
	}
	r.Bare("repack", "-q", "-a", "-d", "-f")
	packs, err := filepath.Glob(filepath.Join(r.Dir, "objects", "pack", "*.pack"))
	gittest.Must(b, err)
	file, err := os.Open(packs[0])
	gittest.Must(b, err)
	defer file.Close()
	info, err := file.Stat()
	gittest.Must(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := indexPack(b.Context(), file, info.Size()); err != nil {
			b.Fatal(err)
		}
	}
}
