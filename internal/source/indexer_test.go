package source

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
)

// The index of a pack is to the byte the one that git makes: of deltas of deltas, with
// bases near and far, named by place or by name, and however little of them is kept.
func TestIndexPack(t *testing.T) {
	r := newRepo(t)
	random := rand.New(rand.NewPCG(5, 6))
	texts := []string{strings.Repeat("a line that is in every version\n", 200), strings.Repeat("another one\n", 300)}
	head := ""
	for i := range 40 {
		files := make(map[string]string)
		for k := range texts {
			at := random.IntN(len(texts[k]))
			texts[k] = texts[k][:at] + fmt.Sprintf("version %d\n", i) + texts[k][at:]
			files[fmt.Sprintf("large%d.txt", k)] = texts[k]
		}
		files[fmt.Sprintf("f%d/%d.yaml", i%3, i)] = specOf("t", i+1)
		head = r.importFiles(head, false, files)
	}
	for _, with := range []string{"places", "names"} {
		t.Run("bases by "+with, func(t *testing.T) {
			r.bare("-c", fmt.Sprint("repack.useDeltaBaseOffset=", with == "places"), "repack", "-adfq", "--depth=30", "--window=50")
			packs, err := filepath.Glob(filepath.Join(r.dir, "objects", "pack", "*.pack"))
			if err != nil || len(packs) != 1 {
				t.Fatalf("git made the packs %v, %v", packs, err)
			}
			file, err := os.Open(packs[0])
			must(t, err)
			defer file.Close()
			info, err := file.Stat()
			must(t, err)
			want, err := os.ReadFile(strings.TrimSuffix(packs[0], ".pack") + ".idx")
			must(t, err)
			for _, kept := range []int{keptBases, 20_000, 0} {
				objects, err := scanPack(t.Context(), file, info.Size())
				must(t, err)
				index, err := indexPack(t.Context(), file, info.Size(), objects, kept)
				must(t, err)
				var got bytes.Buffer
				_, err = idxfile.NewEncoder(&got).Encode(index)
				must(t, err)
				if !bytes.Equal(got.Bytes(), want) {
					t.Errorf("with %d bytes of bases kept, the index of %d objects is another than git's", kept, len(objects))
				}
			}
		})
	}
}
