package spec_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/spec"
)

// beyondSchema are the complaints that no JSON Schema can make, because they are
// about how a value is written, about several values, or about bytes.
var beyondSchema = []string{
	"duplicate-key",                       // a JSON object has none
	"duplicate-param",                     // a name in two objects of a list
	"duplicate-dependency",                // "t" and "p/t" may be the same task
	"dependency-cycle",                    // a task that depends on itself
	"discard-state-differs",               // two numbers that must be equal
	"wait-for-too-long",                   // two times that must fit
	"timeout-out-of-range",                // a sum of hours, minutes and seconds
	"anchor", "alias", "merge-key", "tag", // they are gone when a document has become JSON
}

// beforeDocuments are the complaints about bytes, before there is a document to
// hold against a schema.
var beforeDocuments = []string{"directive", "too-many-values", "control-character", "bidi-control", "not-utf8", "conflict-marker", "lfs-pointer"}

// judgedFile is where the tests leave what they held against the schema, for other readers of
// JSON Schema: a line of JSON each.
var judgedFile = flag.String("documents", "", "append each document to this file, with what the schema says of it")

// judged is such a line.
type judged struct {
	Document any  `json:"document"`
	Allowed  bool `json:"allowed"`
}

// leave writes what the schema says of the document, if somebody wants to know.
func leave(document any, err error) {
	if *judgedFile == "" {
		return
	}
	line, encoding := json.Marshal(judged{document, err == nil})
	file, opening := os.OpenFile(*judgedFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err := errors.Join(encoding, opening); err != nil {
		panic(err)
	}
	defer file.Close()
	if _, err := file.Write(append(line, '\n')); err != nil {
		panic(err)
	}
}

func compiledSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(spec.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// jsonOf converts a YAML node as a YAML 1.2 reader with the core schema does,
// which is what editors validate.
func jsonOf(n *yaml.Node) any {
	switch n.Kind {
	case yaml.DocumentNode:
		return jsonOf(n.Content[0])
	case yaml.AliasNode:
		return "alias" // what it stands for may be very large
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, jsonOf(c))
		}
		return list
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			object[n.Content[i].Value] = jsonOf(n.Content[i+1])
		}
		return object
	}
	if n.Style != 0 || n.Tag == "!!str" || n.Tag == "!!timestamp" {
		return n.Value
	}
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	}
	text := n.Value
	if strings.Contains(text, "_") {
		return text // 1_000 is no number in YAML 1.2
	}
	if strings.Trim(text, "+-0123456789") == "" {
		digits := strings.TrimLeft(strings.TrimLeft(text, "+-"), "0")
		text = strings.TrimRight(text[:1], "+0123456789") + cmp.Or(digits, "0")
		return json.Number(text)
	}
	if i, err := strconv.ParseInt(text, 0, 64); err == nil {
		return i // 0x10 and 0o10
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return f
	}
	return text // .inf is no number in JSON
}

// verdicts says what the schema and the parser think of the documents of a file;
// read is false if a reader of YAML cannot even take it for documents.
func verdicts(schema *jsonschema.Schema, data []byte) (complaints spec.Problems, read bool, schemaErr error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	documents := 0
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if err != nil {
			read = err.Error() == "EOF" && documents > 0
			break
		}
		documents++
		document := jsonOf(&doc)
		err = schema.Validate(document)
		leave(document, err)
		if err != nil && schemaErr == nil {
			schemaErr = err
		}
	}
	for _, p := range spec.Parse("schema.yaml", data).Problems {
		if p.Severity == spec.SeverityError {
			complaints = append(complaints, p)
		}
	}
	return complaints, read, schemaErr
}

// What the parser refuses for its shape, the schema refuses, and the other way
// round.
func TestSchemaAgreesOnBadFiles(t *testing.T) {
	schema := compiledSchema(t)
	refused := 0
	for _, b := range append(generated(), badFiles(t)...) {
		if len(b.data) > 64<<10 {
			continue
		}
		complaints, read, schemaErr := verdicts(schema, b.data)
		if !read || slices.Contains(beforeDocuments, complaints[0].Code) {
			continue
		}
		if schemaErr != nil {
			refused++
			continue
		}
		if !excused(complaints) && !slices.Contains(beyondShape, strings.TrimSuffix(b.name, ".yaml")) {
			t.Errorf("%s: the schema allows what the parser refuses:\n%v", b.name, complaints)
		}
	}
	if refused < 100 {
		t.Errorf("the schema refuses only %d of the bad files", refused)
	}
}

// beyondShape are bad files that a schema takes for good ones.
var beyondShape = []string{
	// Letters that cannot be told apart.
	"task-not-normal", "task-variation-selector", "task-hangul-filler", "task-blank", "task-grapheme-joiner",
	// Digits of a number.
	"project-too-long",
	// Other ways to write a number.
	"version-octal", "version-octal-new", "version-hexadecimal", "version-exponent", "version-whole-float", "version-plus",
	"commit-type-exponent", "task-type-float",
}

// excused reports whether all complaints are ones that no schema can make.
func excused(complaints spec.Problems) bool {
	return !slices.ContainsFunc(complaints, func(p spec.Problem) bool { return !slices.Contains(beyondSchema, p.Code) })
}

func TestSchemaAgreesOnAnyDocument(t *testing.T) {
	schema := compiledSchema(t)
	good, bad := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		data := drawDocument(t)
		complaints, read, schemaErr := verdicts(schema, []byte(data))
		switch {
		case !read:
			t.Fatalf("not YAML:\n%s\n%v", data, complaints)
		case schemaErr == nil && len(complaints) == 0:
			good++
		case schemaErr != nil && len(complaints) > 0:
			bad++
		case schemaErr != nil:
			t.Fatalf("the schema refuses what the parser allows:\n%s\n%v", data, schemaErr)
		case !excused(complaints):
			t.Fatalf("the schema allows what the parser refuses:\n%s\n%v", data, complaints)
		}
	})
	t.Logf("%d good and %d bad documents", good, bad)
}

// drawDocument writes a document that is good but for a few faults.
func drawDocument(t *rapid.T) string {
	faults := rapid.IntRange(0, 2).Draw(t, "faults")
	faulty := func() bool {
		if faults > 0 && rapid.IntRange(0, 7).Draw(t, "faulty") == 0 {
			faults--
			return true
		}
		return false
	}
	oneOf := func(what string, values ...string) string { return rapid.SampledFrom(values).Draw(t, what) }
	anything := func() string {
		return oneOf("anything", "~", "''", "[]", "{}", "[a]", "{a: b}", "[~]", "true", "'true'", "yes", "-1", "2.5", "0", "'0'", "99999999999999999999",
			"a b", `"a\u200bb"`, `"a\u202eb"`, `"a\eb"`, "x/y", "start", "5", "2", "[[a]]", "{name: a}", "[{name: a}]", "[{name: a, value: ~}]", "[{name: a, value: b, c: d}]",
			strings.Repeat("x", 129), strings.Repeat("x", 4097), strings.Repeat("任", 129), strings.Repeat("𠀀", 4097))
	}
	value := func(key string) string {
		if faulty() {
			return anything()
		}
		switch key {
		case "apiVersion":
			return oneOf(key, "wedatasync/v1", "'wedatasync/v1'")
		case "projectId", "taskId":
			return oneOf(key, "a", "'1'", "1486804694126882816", "007", "任务", "\ua7cb", "x.y-z", "2026-11-23", strings.Repeat("x", 128), strings.Repeat("任", 128))
		case "commitType":
			return oneOf(key, "submit", "start", "pause-resume", "resume", "restart-discard-state", "0", "1", "2", "'2'", "3", "'4'")
		case "taskType":
			return oneOf(key, "realtime", "offline", "201", "'202'", "1", "999999999")
		case "instanceVersion", "discardState":
			return "3"
		case "versionDesc", "eventDesc":
			return oneOf(key, "v1", "1.10", "true", "'~'", `"a\nb"`, "2026-11-23", strings.Repeat("x", 4096), strings.Repeat("𠀀", 4096))
		case "rerun":
			return oneOf(key, "again", "1", "a b", strings.Repeat("x", 128))
		case "suspend":
			return oneOf(key, "true", "false")
		case "wait":
			return oneOf(key, "{status: running}", "{status: running, timeout: 10m}", "{timeout: '1h30m', status: 'running'}", "{status: running, lag: 60s, restarts: 0, for: 10m, timeout: 30m}", "{status: running, restarts: -1}", "{status: running, restarts: 1001}", "{status: running, lag: 5}", "{status: running, timeout: 10}", "{status: stopped}")
		case "dependsOn":
			return oneOf(key, "[]", "[z]", "[z, p/z]", "[1, 1486804694126882817]", "[p/x/y]")
		case "extConfig":
			return oneOf(key, "[]", "{}", "{a: b}", "{a: 1, b: true, c: ''}", "[{name: a, value: b}]", "[{value: 1, name: a}, {name: b, value: ''}]")
		}
		return anything()
	}
	mapping := func(required, optional []string, values func(string) string) string {
		var fields []string
		for _, k := range required {
			if !faulty() {
				fields = append(fields, k+": "+values(k))
			}
		}
		for _, k := range optional {
			if rapid.Bool().Draw(t, k) {
				fields = append(fields, k+": "+values(k))
			}
		}
		if faulty() {
			k := oneOf("odd key", "taskID", "foo", "''", "instanceVerison", "name")
			fields = append(fields, k+": "+anything())
		}
		return "{" + strings.Join(fields, ", ") + "}"
	}
	defaults := mapping(nil, []string{"projectId", "taskType", "commitType", "wait"}, value)
	var commits []string
	for range rapid.IntRange(0, 3).Draw(t, "commits") {
		if faulty() {
			commits = append(commits, anything())
			continue
		}
		commits = append(commits, mapping([]string{"taskId", "instanceVersion", "discardState"},
			[]string{"projectId", "commitType", "taskType", "versionDesc", "eventDesc", "extConfig", "dependsOn", "suspend", "rerun", "wait"}, value))
	}
	return mapping([]string{"apiVersion", "commits"}, []string{"defaults"}, func(key string) string {
		switch {
		case key == "commits" && !faulty():
			return "[" + strings.Join(commits, ", ") + "]"
		case key == "defaults" && !faulty():
			return defaults
		default:
			return value(key)
		}
	})
}

// The schema is what editors show, so each key explains itself, however deep it is.
func TestSchemaDescribesEveryKey(t *testing.T) {
	described := 0
	walkSchema(t, func(s map[string]any) {
		keys, _ := s["properties"].(map[string]any)
		for key, value := range keys {
			property, _ := value.(map[string]any)
			if property == nil || property["enum"] != nil || property["$ref"] != nil && property["description"] == nil && s["additionalProperties"] == nil {
				continue // of a condition
			}
			described++
			if description, _ := property["description"].(string); !strings.HasSuffix(description, ".") {
				t.Errorf("%s: description %q", key, description)
			}
		}
	})
	if described != 28 {
		t.Errorf("%d keys are described", described)
	}
	if keys := schemaKeys(t); len(keys) != 17 {
		t.Errorf("the schema knows %v", keys)
	}
}

// TestSchemaKnowsCharacters: the patterns have the characters that the parser refuses, and no
// class that depends on the version of Unicode that a program has.
func TestSchemaKnowsCharacters(t *testing.T) {
	var s struct {
		Defs map[string]struct{ Pattern string } `json:"$defs"`
	}
	if err := json.Unmarshal(spec.Schema(), &s); err != nil {
		t.Fatal(err)
	}
	unseen, unfit := regexp.MustCompile(s.Defs["unseen"].Pattern), regexp.MustCompile(s.Defs["unfitForText"].Pattern)
	for r := range rune(unicode.MaxRune + 1) {
		if !utf8.ValidRune(r) {
			continue
		}
		if got, want := unseen.MatchString(string(r)), r != ' ' && spec.NotInID(r); got != want {
			t.Errorf("%U in an id is refused: %v by the schema, %v by the parser", r, got, want)
		}
		if got, want := unfit.MatchString(string(r)), spec.NotInText(r); got != want {
			t.Errorf("%U in a text is refused: %v by the schema, %v by the parser", r, got, want)
		}
	}
	walkSchema(t, func(s map[string]any) {
		if p, _ := s["pattern"].(string); strings.Contains(p, `\p`) {
			t.Errorf("a pattern has a class of Unicode: %s", p)
		}
	})
}

// walkSchema calls visit with each object of the schema.
func walkSchema(t *testing.T, visit func(map[string]any)) {
	t.Helper()
	var doc any
	if err := json.Unmarshal(spec.Schema(), &doc); err != nil {
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			visit(v)
			for member := range maps.Values(v) {
				walk(member)
			}
		case []any:
			for _, member := range v {
				walk(member)
			}
		}
	}
	walk(doc)
}

// schemaKeys are the keys of documents and commits.
func schemaKeys(t *testing.T) []string {
	t.Helper()
	type properties map[string]any
	var s struct {
		Properties properties
		Defs       struct {
			Commit struct{ Properties properties }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(spec.Schema(), &s); err != nil {
		t.Fatal(err)
	}
	maps.Copy(s.Properties, s.Defs.Commit.Properties)
	return slices.Sorted(maps.Keys(s.Properties))
}
