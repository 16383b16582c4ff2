package spec

import (
	_ "embed" // for schema.json
	"slices"
)

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of one document of a spec file,
// for editors and for checks elsewhere. It says what has the right shape; that
// ids are unique, dependencies exist and a discarded state is the right one, only
// Parse and Set can say.
func Schema() []byte { return slices.Clone(schema) }
