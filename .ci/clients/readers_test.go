package clients

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

var draws = flag.Int("draws", 2000, "how many texts are drawn")

// A reader of YAML sets instanceVersion to 4 in each file, as a bot that bumps a version
// does, and returns the files as it writes them. One that it cannot read is nil.
type reader func(t *testing.T, files []string) []*string

var readers = map[string]reader{
	"js-yaml":            inNode("js-yaml", jsYAML+"('js-yaml')"),
	"js-yaml 4":          inNode("js-yaml4", jsYAML+"('js-yaml4')"),
	"js-yaml 3":          inNode("js-yaml3", jsYAML+"('js-yaml3')"),
	"yaml":               inNode("yaml", yamlParse+"('1.2')"),
	"yaml 1.1":           inNode("yaml", yamlParse+"('1.1')"),
	"yaml with comments": inNode("yaml", yamlDocument),
	"PyYAML":             inJSON("/usr/bin/python3", "-c", pyYAML),
	"Psych":              inJSON("/usr/bin/ruby", "-e", psych),
	"go-yaml":            goYAML,
}

// inNode is a reader in JavaScript.
func inNode(module, script string) reader {
	return func(t *testing.T, files []string) []*string { return listed(t, node(t, module, script), files) }
}

// inJSON is a reader that gets a JSON list of files and prints one.
func inJSON(program string, args ...string) reader {
	return func(t *testing.T, files []string) []*string {
		return listed(t, exec.CommandContext(t.Context(), need(t, program), args...), files)
	}
}

func listed(t *testing.T, cmd *exec.Cmd, files []string) []*string {
	t.Helper()
	in, err := json.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	var out []*string
	if err := json.Unmarshal([]byte(output(t, cmd, string(in))), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// debianYQ is the yq that runs jq, a reader of documents: where it cannot read one, it
// writes none.
func debianYQ(t *testing.T, files []string) []*string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), need(t, "/usr/bin/yq"), "-y", ".instanceVersion = 4")
	cmd.Stdin = strings.NewReader(strings.Join(files, "---\n"))
	list := make([]*string, len(files))
	out, err := cmd.Output()
	if err != nil {
		return list
	}
	for i, file := range strings.Split(string(out), "\n---\n") {
		list[i] = &file
	}
	return list
}

func goYAML(_ *testing.T, files []string) []*string {
	list := make([]*string, len(files))
	for i, file := range files {
		var doc map[string]any
		if yaml.Unmarshal([]byte(file), &doc) != nil {
			continue
		}
		doc["instanceVersion"] = 4
		if out, err := yaml.Marshal(doc); err == nil {
			text := string(out)
			list[i] = &text
		}
	}
	return list
}

const (
	eachInput = `
const each = f => console.log(JSON.stringify(JSON.parse(require('fs').readFileSync(0)).map(s => { try { return f(s) } catch { return null } })))
`
	jsYAML = eachInput + `;
(name => { const y = require(name); each(s => { const v = y.load(s); v.instanceVersion = 4; return y.dump(v) }) })`
	yamlParse = eachInput + `;
(version => { const y = require('yaml'); each(s => { const v = y.parse(s, {version}); v.instanceVersion = 4; return y.stringify(v, {version}) }) })`
	yamlDocument = eachInput + `
const y = require('yaml'); each(s => { const d = y.parseDocument(s); d.set('instanceVersion', 4); return String(d) })`
	pyYAML = `
import json, sys, yaml
def bump(s):
    try:
        v = yaml.safe_load(s)
        v["instanceVersion"] = 4
        return yaml.safe_dump(v, allow_unicode=True)
    except Exception:
        return None
json.dump([bump(s) for s in json.load(sys.stdin)], sys.stdout)`
	psych = `
require "json"
require "yaml"
require "date"
print JSON.generate(JSON.parse(STDIN.read).map { |s|
  begin
    v = YAML.safe_load(s, permitted_classes: [Date, Time])
    v["instanceVersion"] = 4
    YAML.dump(v)
  rescue StandardError, SyntaxError
    nil
  end
})`
)

// bumped returns the files as the reader writes them.
func bumped(t *testing.T, name string, files []string) []*string {
	t.Helper()
	out := readers[name](t, files)
	if len(out) != len(files) {
		t.Fatalf("%s printed %d of %d files", name, len(out), len(files))
	}
	return out
}

// extracted returns what a file says after taskId, or the first name in extConfig, as the
// program reads it: as it is written.
func extracted(t *testing.T, file *string) string {
	t.Helper()
	if file == nil {
		return "(unreadable)"
	}
	var doc struct {
		TaskID    yaml.Node `yaml:"taskId"`
		ExtConfig yaml.Node `yaml:"extConfig"`
	}
	if err := yaml.Unmarshal([]byte(*file), &doc); err != nil {
		t.Fatalf("%v\n%s", err, *file)
	}
	if doc.ExtConfig.Kind == yaml.MappingNode {
		return doc.ExtConfig.Content[0].Value
	}
	return doc.TaskID.Value
}

// unquoted returns the texts of which the program warns where they are not quoted, and
// those that it takes for ids at all.
func unquoted(t *testing.T, texts []string) (warned, taken map[string]bool) {
	t.Helper()
	warned, taken = map[string]bool{}, map[string]bool{}
	for part := range slices.Chunk(texts, 500) { // it lists 1,000 warnings
		dir := t.TempDir()
		for i, text := range part {
			spec := "apiVersion: wedatasync/v1\ncommits:\n  - projectId: \"1\"\n    commitType: submit\n    taskId: " + text + "\n"
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.yaml", i)), []byte(spec), 0o600); err != nil {
				t.Fatal(err)
			}
			taken[text] = true
		}
		out, _ := exec.CommandContext(t.Context(), wedatasync(t), "validate", "-o", "json", dir).Output() // it fails if some are no ids
		var doc struct {
			Diagnostics []struct{ File, Code, Severity string }
		}
		if err := json.Unmarshal(out, &doc); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, d := range doc.Diagnostics {
			i, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(d.File), ".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case d.Severity == "error":
				delete(taken, part[i])
			case d.Code == "unquoted":
				warned[part[i]] = true
			}
		}
	}
	return warned, taken
}

// odd are texts of which readers are known to disagree.
var odd = []string{
	"1486804694126882816", "9007199254740992", "9007199254740993", "10000000000000000", "1000000000000000000000", "007", "08", "1.10", "1.0", "1.5", "0.1",
	"0.00001", "1e3", "1E3", "1e-3", "1.5e3", "1.5e+3", "1.", ".5", "-5", "+5", "-0", "0", "0x1F", "0X1F", "0x", "0o17", "0O17", "0b11", "0B11", "1_000", "1_", "1_0.5",
	"yes", "No", "ON", "off", "y", "N", "True", "TRUE", "yEs", "2026-11-30", "2026-1-5", "2026-13-45", "2026-11-30T10:00:00Z", "12:30", "12:30:45", "1:2.5", "1,000", "1,0.5",
	":orders", "=", ".inf", "-.Inf", "+.inf", ".nan", ".NaN", "1e400", "1.2.3", "12-30", "orders", "e3", "x1F", "-orders", "3cd6b1b3-76a0-4147-8f0e-6df206bc58c0",
	"kb947c997-4f91-4a1f-913d-06f66a5fb927", "1d", "1-2", "0xG", "1:2:3:4", "1:99", ".", "..", "+", "-.", "1e", "0b12", "0o8",
}

// drawn returns odd texts, and others made of what numbers, dates and words are made of.
func drawn(r *rand.Rand, n int) []string {
	texts := slices.Clone(odd)
	for len(texts) < n {
		letters := []string{"0123456789", "0123456789.eE+-", "01_,.", "0123456789:.", "0123456789abcdefxob", "0123456789-", "yYnNeEsSoOfF", "+-.infINFaA", "0123456789-T:Z"}[r.IntN(9)]
		text := make([]byte, 1+r.IntN(20))
		for i := range text {
			text[i] = letters[r.IntN(len(letters))]
		}
		texts = append(texts, string(text))
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// values are files with the texts as values, and keys those with them as keys.
func values(texts []string) (files []string) {
	for _, text := range texts {
		files = append(files, "taskId: "+text+"\ninstanceVersion: 3\n")
	}
	return files
}

func keys(texts []string) (files []string) {
	for _, text := range texts {
		files = append(files, "extConfig:\n  "+text+": v\ninstanceVersion: 3\n")
	}
	return files
}

// TestUnquoted: what the program does not warn of, each reader writes as it was, as a value
// and as a key; what it warns of, at least one does not.
func TestUnquoted(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	texts := drawn(rand.New(rand.NewPCG(seed, 0)), *draws)
	warned, taken := unquoted(t, texts)
	texts = slices.DeleteFunc(texts, func(text string) bool { return !taken[text] })
	changed := map[string]bool{}
	compare := func(name string, texts []string, valued, keyed []*string) {
		for i, text := range texts {
			value, key := extracted(t, valued[i]), extracted(t, keyed[i])
			if value == text && key == text {
				continue
			}
			changed[text] = true
			if !warned[text] {
				t.Errorf("%s writes %s as %q, and %s: v as %q: there is no warning", name, text, value, text, key)
			}
		}
	}
	for name := range readers {
		compare(name, texts, bumped(t, name, values(texts)), bumped(t, name, keys(texts)))
	}
	quiet := slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return warned[text] })
	compare("yq", quiet, debianYQ(t, values(quiet)), debianYQ(t, keys(quiet)))
	for text := range warned {
		if one := []string{text}; taken[text] && !changed[text] {
			compare("yq", one, debianYQ(t, values(one)), debianYQ(t, keys(one)))
		}
		if taken[text] && !changed[text] {
			t.Errorf("there is a warning of %s, which all readers write as it is", text)
		}
	}
	if len(warned) < 100 || len(texts)-len(warned) < 100 {
		t.Errorf("%d texts, and warnings of %d: does the test draw both?", len(texts), len(warned))
	}
}

// TestQuoted: whatever bumps the version of a task, its id stays the same if it is quoted.
func TestQuoted(t *testing.T) {
	var files []string
	for _, text := range odd {
		files = append(files, "taskId: "+strconv.Quote(text)+"\ninstanceVersion: 3\n")
	}
	for name := range readers {
		t.Run(name, func(t *testing.T) {
			for i, file := range bumped(t, name, files) {
				if got := extracted(t, file); got != odd[i] {
					t.Errorf("the id %q became %q", odd[i], got)
				}
			}
		})
	}
}
