package spec

import (
	"crypto/sha256"
	"embed"
	"encoding/json"
	"io/fs"
	"slices"
	"sync"
)

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of one document of a spec file,
// for editors and for checks elsewhere. It says what has the right shape; that
// ids are unique, dependencies exist and a discarded state is the right one, only
// Parse and Set can say.
func Schema() []byte { return slices.Clone(schema) }

// corpus are files that say all that a spec can say, and make each mistake.
//
//go:embed testdata/bad/*.yaml testdata/corpus/*.yaml
var corpus embed.FS

// Fingerprint digests what Parse makes of a fixed corpus: programs with the same one read
// specs alike, so that one may keep for another what it has parsed. It changes with the
// fields of a File, too.
var Fingerprint = sync.OnceValues(func() (d Digest, err error) {
	sum := sha256.New()
	out := json.NewEncoder(sum)
	err = fs.WalkDir(corpus, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := corpus.ReadFile(name)
		if err != nil {
			return err
		}
		return out.Encode(Parse(name, data))
	})
	return Digest(sum.Sum(nil)), err
})
