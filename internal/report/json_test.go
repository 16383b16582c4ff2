package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// TestJSONIsAsItsSchemaSays validates every document with the published schema,
// and with one that allows nothing the schema does not name.
func TestJSONIsAsItsSchemaSays(t *testing.T) {
	published, strict := schema(t, false), schema(t, true)
	check := func(t *testing.T, doc []byte) {
		t.Helper()
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []*jsonschema.Schema{published, strict} {
			if err := s.Validate(v); err != nil {
				t.Errorf("%v\n%s", err, doc)
			}
		}
	}
	all := append(smallSituations(), situation{"large", large(300)})
	if *long {
		all = situations()
	}
	for _, s := range all {
		if s.name == "hostile" {
			continue // its reasons and positions are no part of the format
		}
		t.Run(s.name, func(t *testing.T) {
			check(t, planJSON(t, s.plan, report.JSONOptions{ToolVersion: "1.2.3"}))
			check(t, planJSON(t, s.plan, report.JSONOptions{ShowValues: true}))
		})
	}
	t.Run("failure", func(t *testing.T) {
		f := report.Failure{Err: errors.New(nasty)}
		check(t, written(t, func(b *bytes.Buffer) error { return f.JSON(b, report.JSONOptions{}) }))
	})
}

// TestSchemaRefuses shows that the schema is not satisfied by anything.
func TestSchemaRefuses(t *testing.T) {
	s := schema(t, false)
	for name, change := range map[string]func(map[string]any){
		"no hash":                 func(d map[string]any) { delete(d, "plan_hash") },
		"another major version":   func(d map[string]any) { d["format_version"] = "2.0" },
		"an unknown action":       func(d map[string]any) { d["changes"].([]any)[0].(map[string]any)["action"] = "destroy" },
		"a commit with no reason": func(d map[string]any) { delete(d["changes"].([]any)[0].(map[string]any), "reason") },
		"a hidden state loss":     func(d map[string]any) { d["changes"].([]any)[2].(map[string]any)["actions"] = []any{"commit"} },
		"a failure with a plan":   func(d map[string]any) { d["error"] = map[string]any{"message": "x"} },
	} {
		t.Run(name, func(t *testing.T) {
			var doc map[string]any
			if err := json.Unmarshal(planJSON(t, everyImpact(), report.JSONOptions{}), &doc); err != nil {
				t.Fatal(err)
			}
			change(doc)
			if err := s.Validate(any(doc)); err == nil {
				t.Error("the schema takes it")
			}
		})
	}
}

// schema compiles the published schema; strict closes its objects.
func schema(t *testing.T, strict bool) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(report.PlanSchema()))
	if err != nil {
		t.Fatal(err)
	}
	if strict {
		closeObjects(doc)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("plan.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("plan.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// closeObjects forbids members that are not named, in every object that is described.
func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["properties"]; ok && v["type"] != nil {
			v["additionalProperties"] = false
		}
		for member := range maps.Values(v) {
			closeObjects(member)
		}
	case []any:
		for _, member := range v {
			closeObjects(member)
		}
	}
}

// TestJSONKeepsText shows that escapes change how text is written, never the text.
func TestJSONKeepsText(t *testing.T) {
	const id = "a\u202eb\u0085c##[d]\u007f\U000e0041 😀 <&>"
	p := planOf(plan.Change{Action: plan.ActionForget})
	p.Changes[0].Key.TaskID = id
	var doc struct {
		Changes []struct {
			TaskID string `json:"task_id"`
		}
	}
	if err := json.Unmarshal(planJSON(t, p, report.JSONOptions{}), &doc); err != nil {
		t.Fatal(err)
	}
	if got := doc.Changes[0].TaskID; got != id {
		t.Errorf("task_id %q, want %q", got, id)
	}
}
