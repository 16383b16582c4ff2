package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// modeline is the first line of a document, which names its schema.
const modeline = "# yaml-language-server: $schema=schema.json\n"

// editor returns an editor, and the folder of its files, next to which the schema is.
func editor(t *testing.T) (*languageServer, string) {
	t.Helper()
	dir := t.TempDir()
	schema := output(t, exec.CommandContext(t.Context(), wedatasync(t), "schema"), "")
	if err := os.WriteFile(filepath.Join(dir, "schema.json"), []byte(schema), 0o600); err != nil {
		t.Fatal(err)
	}
	return startLanguageServer(t), dir
}

// everyKey is a file with every key. A key's first place in it is the key itself.
const everyKey = modeline + `apiVersion: wedatasync/v1
defaults:
  projectId: "1486804694126882816"
  taskType: realtime
  commitType: start
  wait: {status: running, timeout: 10m}
commits:
  - taskId: "a"
    instanceVersion: 3
    name: orders
    versionDesc: 1.10
    eventDesc: nightly
    rerun: again
    suspend: true
    discardState: 3
    dependsOn: [b]
    extConfig:
      - name: n
        value: w
  - taskId: b
    projectId: "1"
    taskType: "202"
    commitType: "3"
    wait:
      status: running
    extConfig: {a: b}
`

// TestEditor_Hover: the editor explains each key in one sentence or more, and nothing else.
func TestEditor_Hover(t *testing.T) {
	t.Parallel()
	s, dir := editor(t)
	if wrong := s.open(dir, everyKey); len(wrong) > 0 {
		t.Fatalf("the file is wrong: %v", wrong)
	}
	for key, want := range map[string]string{
		"apiVersion: w":    "The version of this format.",
		"defaults:":        "What the commits of this document need not say themselves.",
		"projectId: \"14":  "Quote the id",
		"taskType: real":   "201: a task that runs all the time.",
		"commitType: st":   "1: start at once.",
		"wait: {":          "How the tasks are followed",
		"status: running,": "The status that the task is followed to.",
		"timeout":          "from 10s to 24h",
		"commits:":         "one for each task",
		"taskId: \"a":      "Quote it",
		"instanceVersion":  "The version to commit, from 1.",
		"name: orders":     "What people call the task.",
		"versionDesc":      "A description of the version.",
		"eventDesc":        "A description of the operation.",
		"rerun":            "Another token asks for the same commit once more.",
		"suspend":          "leaves the task alone",
		"discardState":     "state may be lost for this version",
		"dependsOn":        "The tasks to commit before this one",
		"extConfig:":       "Extra parameters",
		"name: n":          "The name of the parameter.",
		"value: w":         "Its value, which is sent as text.",
		"projectId: \"1\"": "here or in defaults",
		"taskType: \"202":  "202 offline",
		"commitType: \"3":  "3 pause-resume",
		"    wait:":        "Follow the task after the commit until it is healthy",
		"extConfig: {":     "Extra parameters",
	} {
		text := s.hover(key)
		if !strings.Contains(text, want) {
			t.Errorf("over %s is shown %q, want %q in it", key, text, want)
		}
		if strings.Contains(text, "||") || strings.Contains(text, "Allowed Values") {
			t.Errorf("over %s is shown the schema's inside: %q", key, text)
		}
	}
}

// TestEditor_CompletesKeys: what is offered has its colon, is offered once, and is no value
// that nobody chose.
func TestEditor_CompletesKeys(t *testing.T) {
	t.Parallel()
	s, dir := editor(t)
	const commit = "apiVersion: wedatasync/v1\ncommits:\n  - taskId: \"1\"\n    "
	for name, c := range map[string]struct {
		text string
		keys string
	}{
		"an empty file":     {"", "apiVersion defaults commits"},
		"a document":        {"apiVersion: wedatasync/v1\n", "defaults commits"},
		"defaults":          {"apiVersion: wedatasync/v1\ndefaults:\n  ", "projectId taskType commitType wait"},
		"a commit":          {commit, "projectId commitType taskType instanceVersion name versionDesc eventDesc extConfig dependsOn suspend discardState rerun wait"},
		"an item":           {"apiVersion: wedatasync/v1\ncommits:\n  - ", "taskId projectId commitType taskType instanceVersion name versionDesc eventDesc extConfig dependsOn suspend discardState rerun wait"},
		"a wait":            {commit + "wait:\n      ", "status lag restarts for timeout"},
		"a parameter":       {commit + "extConfig:\n      - ", "name value"},
		"a second document": {"apiVersion: wedatasync/v1\ncommits: []\n---\n" + modeline + "a", "apiVersion defaults commits"},
	} {
		s.open(dir, modeline+c.text)
		var keys []string
		for _, offer := range s.complete() {
			// An object with all that it needs is offered, too, with the name of its schema.
			key, value, isKey := strings.Cut(offer.InsertText, ":")
			if offer.Label != key {
				if !isKey {
					t.Errorf("%s: %q inserts %q", name, offer.Label, offer.InsertText)
				}
				continue
			}
			keys = append(keys, key)
			if !isKey || strings.ContainsAny(value, "0123456789") && key != "apiVersion" && key != "wait" {
				t.Errorf("%s: %s inserts %q", name, key, offer.InsertText)
			}
			if offer.Documentation == "" {
				t.Errorf("%s: %s is not explained", name, key)
			}
		}
		want := strings.Fields(c.keys)
		slices.Sort(keys)
		slices.Sort(want)
		if !slices.Equal(keys, want) {
			t.Errorf("%s: %q are offered, want %q", name, keys, want)
		}
	}
}

// TestEditor_CompletesValues: names are offered, and no numbers.
func TestEditor_CompletesValues(t *testing.T) {
	t.Parallel()
	s, dir := editor(t)
	for key, want := range map[string]string{
		"commitType":      "pause-resume restart-discard-state resume start submit",
		"taskType":        "offline realtime",
		"suspend":         "false true",
		"instanceVersion": "",
		"discardState":    "",
		"projectId":       "",
		"rerun":           "",
		"versionDesc":     "",
	} {
		s.open(dir, modeline+"apiVersion: wedatasync/v1\ncommits:\n  - taskId: \"1\"\n    "+key+": ")
		var values []string
		for _, offer := range s.complete() {
			values = append(values, offer.InsertText)
		}
		slices.Sort(values)
		if got := strings.Join(values, " "); got != want {
			t.Errorf("%s: %q are offered, want %q", key, got, want)
		}
	}
}

// TestEditor_Complains where the mistake is, once, in words.
func TestEditor_Complains(t *testing.T) {
	t.Parallel()
	s, dir := editor(t)
	for _, c := range []struct{ line, want string }{
		{`taskId: "a b"`, `String does not match the pattern of "^[^ ]+$".`},
		{`taskId: [a]`, `Incorrect type. Expected "string | number".`},
		{`taskId: a, projectId: a/b`, `String does not match the pattern of "^[^ /]+$".`},
		{`taskId: a, instanceVersion: "3"`, `Incorrect type. Expected "integer".`},
		{`taskId: a, instanceVersion: 0`, `Value is below the minimum of 1.`},
		{`taskId: a, instanceVerison: 3`, `Property instanceVerison is not allowed.`},
		{`taskId: a, commitType: strat`, `Value must be "submit" | "start" | "restart-discard-state" | "pause-resume" | "resume".`},
		{`taskId: a, commitType: 2`, `Missing property "instanceVersion".`},
		{`taskId: a, rerun: ""`, `String is shorter than the minimum length of 1.`},
		{`taskId: a, suspend: "no"`, `Incorrect type. Expected "boolean".`},
		{`taskId: a, wait: {status: running, timeout: 10}`, `Incorrect type. Expected "string".`},
		{`taskId: a, wait: {status: stopped}`, `Value must be "running".`},
		{`taskId: a, dependsOn: [b, b]`, `Array has duplicate items.`},
		{`taskId: a, extConfig: [{name: a}]`, `Missing property "value".`},
		{`taskId: a, extConfig: a`, `Incorrect type. Expected "array | mapping".`},
	} {
		wrong := s.open(dir, modeline+"apiVersion: wedatasync/v1\ndefaults: {projectId: p, commitType: start}\ncommits:\n  - {"+c.line+"}\n")
		if len(wrong) == 0 || wrong[0].Message != c.want || wrong[0].Range.Start.Line != 4 {
			t.Errorf("%s: %+v, want %s", c.line, wrong, c.want)
		}
		if len(wrong) > 1 && !strings.Contains(c.line, "commitType: 2") {
			t.Errorf("%s: %d complaints: %+v", c.line, len(wrong), wrong)
		}
	}
	// Without an item, and without what it has to have.
	wrong := s.open(dir, modeline+"apiVersion: wedatasync/v1\ncommits:\n  - taskId: a\n")
	var said []string
	for _, w := range wrong {
		said = append(said, w.Message)
	}
	if got := strings.Join(said, " "); got != `Missing property "projectId". Missing property "commitType".` {
		t.Errorf("a commit without project and type: %s", got)
	}
}

// TestEditor_TakesGoodFiles: the editor has nothing against what validate takes.
func TestEditor_TakesGoodFiles(t *testing.T) {
	t.Parallel()
	s, dir := editor(t)
	var good int
	for _, pattern := range []string{"examples/*.yaml", "spec/testdata/corpus/*.yaml", "bench/testdata/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(top, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if exec.CommandContext(t.Context(), wedatasync(t), "validate", file).Run() != nil || !strings.Contains(string(data), "apiVersion: wedatasync/") {
				continue
			}
			good++
			if wrong := s.open(dir, modeline+string(data)); len(wrong) > 0 {
				t.Errorf("%s: %+v", file, wrong)
			}
		}
	}
	if good < 5 {
		t.Errorf("there are only %d good files", good)
	}
}

// TestEditor_SchemaOfADaemon: the daemon serves the schema to editors.
func TestEditor_SchemaOfADaemon(t *testing.T) {
	t.Parallel()
	url, _ := daemon(t)
	s := startLanguageServer(t)
	s.open(t.TempDir(), "# yaml-language-server: $schema="+url+"/api/v1/spec.schema.json\napiVersion: wedatasync/v1\ncommits: []\n")
	if text := s.hover("commits"); !strings.Contains(text, "one for each task") {
		t.Errorf("over commits is shown %q", text)
	}
}
