package clients

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// A reader of YAML gets a JSON list of files, sets instanceVersion to 4 in each, as a bot
// that bumps a version does, and prints the files as a list. What it cannot read is null.
var readers = map[string]func(*testing.T) *exec.Cmd{
	"js-yaml":   func(t *testing.T) *exec.Cmd { return node(t, "js-yaml", jsYAML+"('js-yaml')") },
	"js-yaml 4": func(t *testing.T) *exec.Cmd { return node(t, "js-yaml4", jsYAML+"('js-yaml4')") },
	"js-yaml 3": func(t *testing.T) *exec.Cmd { return node(t, "js-yaml3", jsYAML+"('js-yaml3')") },
	"yaml":      func(t *testing.T) *exec.Cmd { return node(t, "yaml", yamlParse+"('1.2')") },
	"yaml 1.1":  func(t *testing.T) *exec.Cmd { return node(t, "yaml", yamlParse+"('1.1')") },
	"yaml with comments": func(t *testing.T) *exec.Cmd {
		return node(t, "yaml", yamlDocument)
	},
	"PyYAML": func(t *testing.T) *exec.Cmd {
		return exec.CommandContext(t.Context(), need(t, "/usr/bin/python3"), "-c", pyYAML)
	},
	"Psych": func(t *testing.T) *exec.Cmd {
		return exec.CommandContext(t.Context(), need(t, "/usr/bin/ruby"), "-e", psych)
	},
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
func bumped(t *testing.T, reader string, files []string) []*string {
	t.Helper()
	in, err := json.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	var out []*string
	if err := json.Unmarshal([]byte(output(t, readers[reader](t), string(in))), &out); err != nil {
		t.Fatal(err)
	}
	if len(out) != len(files) {
		t.Fatalf("%s printed %d of %d files", reader, len(out), len(files))
	}
	return out
}

// taskID returns what a file says after taskId, as the program reads it: as it is written.
func taskID(t *testing.T, file *string) string {
	t.Helper()
	if file == nil {
		return "(unreadable)"
	}
	var doc map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(*file), &doc); err != nil {
		t.Fatalf("%v\n%s", err, *file)
	}
	return doc["taskId"].Value
}

// TestQuotedIDs: whatever bumps the version of a task, its id stays the same if it is quoted.
func TestQuotedIDs(t *testing.T) {
	ids := []string{"1486804694126882816", "007", "1.10", "1e3", "0x1F", "0o17", "1_000", "yes", "no", "on", "y", "2026-11-30", "12:30:45", ".5", "1,000", ":orders", "=", "null", "~", "orders"}
	var files []string
	for _, id := range ids {
		quoted, _ := json.Marshal(id)
		files = append(files, "taskId: "+string(quoted)+"\ninstanceVersion: 3\n")
	}
	for name := range readers {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			for i, file := range bumped(t, name, files) {
				if got := taskID(t, file); got != ids[i] {
					t.Errorf("the id %q became %q", ids[i], got)
				}
			}
		})
	}
}
