package report

import (
	"bytes"
	_ "embed"
)

//go:embed plan.schema.json
var planSchema []byte

// PlanSchema returns the JSON Schema (draft 2020-12) of what [JSON] and
// [Failure.JSON] write. It lets members pass that it does not know, because a minor
// version may add some.
func PlanSchema() []byte { return bytes.Clone(planSchema) }
