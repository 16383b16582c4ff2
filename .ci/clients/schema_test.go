package clients

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// A validator of JSON Schema gets {schema, documents}, and prints for each document whether
// it is valid. It fails if the schema has anything that its strict mode does not take.
var validators = map[string]func(*testing.T) *exec.Cmd{
	"ajv": func(t *testing.T) *exec.Cmd {
		return node(t, "ajv", eachDocument+`
const v = new (require('ajv/dist/2020').Ajv2020)({strict: true, logger: false}).compile(schema); judge(d => v(d))`)
	},
	"cfworker": func(t *testing.T) *exec.Cmd {
		return node(t, "@cfworker/json-schema", eachDocument+`
const v = new (require('@cfworker/json-schema').Validator)(schema, '2020-12'); judge(d => v.validate(d).valid)`)
	},
	"hyperjump": func(t *testing.T) *exec.Cmd {
		return node(t, "@hyperjump/json-schema", eachDocument+`
const h = require('`+filepath.Join(modules(t), "@hyperjump/json-schema/draft-2020-12")+`')
h.registerSchema(schema); h.validate(schema.$id).then(v => judge(d => v(d).valid))`)
	},
	"jsonschema for Python": func(t *testing.T) *exec.Cmd {
		need(t, "/usr/lib/python3/dist-packages/jsonschema/__init__.py")
		return exec.CommandContext(t.Context(), need(t, "/usr/bin/python3"), "-c", `
import json, sys, jsonschema
given = json.load(sys.stdin)
jsonschema.Draft202012Validator.check_schema(given["schema"])
v = jsonschema.Draft202012Validator(given["schema"])
json.dump([v.is_valid(d) for d in given["documents"]], sys.stdout)`)
	},
}

const eachDocument = `
const {schema, documents} = JSON.parse(require('fs').readFileSync(0))
const judge = f => console.log(JSON.stringify(documents.map(f)))
`

// judgements returns what the validator says of each document.
func judgements(t *testing.T, validator, schema string, documents []json.RawMessage) []bool {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(top, schema))
	if err != nil {
		t.Fatal(err)
	}
	in, err := json.Marshal(map[string]any{"schema": json.RawMessage(data), "documents": documents})
	if err != nil {
		t.Fatal(err)
	}
	var valid []bool
	if err := json.Unmarshal([]byte(output(t, validators[validator](t), string(in))), &valid); err != nil {
		t.Fatal(err)
	}
	if len(valid) != len(documents) {
		t.Fatalf("%s judged %d of %d documents", validator, len(valid), len(documents))
	}
	return valid
}

// TestSpecSchema: every validator says of each document what that says with which package
// spec holds its schema to its parser. The documents are those of that test.
func TestSpecSchema(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "documents")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-run", "^TestSchemaAgrees", "./spec", "-documents", file)
	cmd.Dir = top
	output(t, cmd, "")
	lines, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var documents []json.RawMessage
	var allowed []bool
	counts := map[bool]int{}
	for dec := json.NewDecoder(bytes.NewReader(lines)); dec.More(); {
		var judged struct {
			Document json.RawMessage
			Allowed  bool
		}
		if err := dec.Decode(&judged); err != nil {
			t.Fatal(err)
		}
		documents, allowed = append(documents, judged.Document), append(allowed, judged.Allowed)
		counts[judged.Allowed]++
	}
	if counts[true] < 50 || counts[false] < 200 {
		t.Errorf("there are only %d good and %d bad documents", counts[true], counts[false])
	}
	for name := range validators {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			for i, valid := range judgements(t, name, "spec/schema.json", documents) {
				if valid != allowed[i] {
					t.Errorf("valid: %v, want %v: %.300s", valid, allowed[i], documents[i])
				}
			}
		})
	}
}

// TestPlanSchema: every validator takes the plans that package report writes.
func TestPlanSchema(t *testing.T) {
	t.Parallel()
	golden, err := filepath.Glob(filepath.Join(top, "internal/report/testdata/*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	var documents []json.RawMessage
	for _, name := range golden {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			// What is long is cut in these files.
			written := f.Name == "plan.json" || f.Name == "values.json" || f.Name == "failure.json"
			if written && json.Valid(f.Data) {
				names, documents = append(names, filepath.Base(name)), append(documents, f.Data)
			}
		}
	}
	if len(documents) < 40 {
		t.Errorf("there are only %d plans", len(documents))
	}
	// What no plan is: the schema has teeth.
	names, documents = append(names, "no plan"), append(documents, json.RawMessage(`{"format_version":"2.0","tool_version":"","error":{"message":""}}`))
	for name := range validators {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			for i, valid := range judgements(t, name, "internal/report/plan.schema.json", documents) {
				if want := names[i] != "no plan"; valid != want {
					t.Errorf("%s is valid: %v, want %v", names[i], valid, want)
				}
			}
		})
	}
}
