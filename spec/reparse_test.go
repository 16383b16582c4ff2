package spec_test

import (
	"bytes"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/spec"
)

// nasty are commits that look like more than one, or like none, or that end in an odd
// way. The first line is without its indentation.
var nasty = []string{
	"- taskId: a\n",
	"- {taskId: a, instanceVersion: 2}\n",
	"- taskId: a\n  versionDesc: |\n    - taskId: b\n    --- \n    # no comment\n\n      commits:\n",
	"- taskId: a\n  versionDesc: |\n\n   text\n\n\n",
	"- taskId: a\n  versionDesc: |+\n   kept\n\n\n",
	"- taskId: a\n  versionDesc: >-\n    folded\n    - taskId: b\n\n  # comment\n  eventDesc: x\n",
	"- taskId: a\n  versionDesc: |2\n      deep\n    less\n",
	"- taskId: a\n  versionDesc: \"two\n    - lines\n    # no comment\"\n",
	"- taskId: a\n  versionDesc: \"open\n- taskId: b\n  x\"\n",
	"- taskId: a\n  versionDesc: 'it''s\n\n    - taskId: b'\n",
	"- taskId: a\n  versionDesc: 'open\n",
	"- taskId: a\n  versionDesc: plain\n    - goes on # and ends\n",
	"- taskId: a\n  versionDesc: 数据同步 ✓ é\n",
	"- taskId: a\n  extConfig:\n    - {name: a, value: \"1\"}\n    - name: b\n      value: |\n        - x\n        - y\n",
	"- taskId: a\n  extConfig:\n  - name: b\n    value: c\n",
	"- taskId: a\n  extConfig: {\n    a: b,\n    - c\n  }\n",
	"- taskId: a\n  extConfig: [{name: a,\n    value: b}]\n",
	"- taskId: a\n  extConfig: {a: b\n",
	"- taskId: a\n  extConfig: {a, b: c}\n",
	"- taskId: a\n  extConfig: {a: 1, a: 2}\n",
	"- taskId: a\n  extConfig:\n    ? a\n    : b\n",
	"- taskId: a\n  extConfig:\n    ? a\n",
	"- taskId: a\n  taskType: 7\n",
	"- taskId: a\n  suspend: maybe\n",
	"- taskId: a\n  taskId: b\n",
	"- taskId: a\n  unknown: b\n",
	"- taskId: a\n  dependsOn: [b, c]\n",
	"- taskId: a\n  dependsOn: *b\n",
	"- &b taskId: a\n",
	"- &b {taskId: a}\n",
	"- !!map {taskId: a}\n",
	"- taskId: !!str a\n",
	"- taskId: a\n  <<: {suspend: true}\n",
	"- taskId:\n",
	"- taskId: a\n  wait:\n",
	"- taskId: a\n  wait: {status: running}\n",
	"- # comment\n  taskId: a\n",
	"-\n  taskId: a\n",
	"-  taskId: a\n   suspend: true\n",
	"- - taskId: a\n",
	"- a\n",
	"- \n",
	"- \"a\": b\n",
	"- 'taskId': a\n",
	"- |\n text\n",
	"- taskId: a # comment\n  # another\n# at the margin\n\n   # deep\n",
	"- taskId: a\n    suspend: true\n",
	"- taskId: a\n suspend: true\n",
	"- taskId: a\nsuspend: true\n",
	"- taskId: a\n\tsuspend: true\n",
	"- taskId: a\r\n  suspend: true\r\n",
	"- taskId: a\n  suspend: true # tab\there\n",
	"- taskId: a\n   \n  suspend: true\n",
	"- ? taskId\n  : a\n",
	"- taskId: what ? this\n",
	"- taskId: a\n  commitType: restart-discard-state\n  instanceVersion: 7\n",
	"- taskId: a\n  discardState: 7\n",
	"- foo\n  bar\n",
	"- taskId: a\n  foo\n",
	"- taskId: a\n  instanceVersion: 1",
	"# comment\n",
	"\n",
	"...\n",
	"--- # comment\n",
	"---\n",
	"commits:\n",
	"]\n",
	"\u2028\n", "\x00\n", "<<<<<<< ours\n", "%YAML 1.2\n", "\xff\n",
}

// heads come before the items of a document.
var heads = []string{
	head + "commits:\n",
	head + "defaults: {projectId: 1, commitType: start}\ncommits:\n",
	head + "defaults: {projectId: 2, commitType: start}\ncommits:\n",
	head + "defaults: {projectId: 1, commitType: start, taskType: offline}\ncommits:\n",
	head + "defaults: {projectId: 1, commitType: submit}\ncommits:\n",
	head + "defaults: {projectId: 1}\ncommits:\n",
	head + "defaults:\n  projectId: 1\n  commitType: submit\ncommits:\n",
	head + "defaults: {projectId: 2, commitType: start, taskType: 7}\n# the list\ncommits:\n\n# of commits\n",
	"# first\n\n" + head + "defaults: {projectId: 1, commitType: start, wait: {status: running}}\ncommits:\n",
	"commits:\n",
	head + "commits: []\n",
	head + "commits: # comment\n",
	head + "commits: \n",
	head + "defaults: \"\ncommits:\n\"\ncommits:\n",
	head + "defaults: {projectId: 1\ncommits:\n",
	head + "defaults: {projectId: 1}\ncommits:\n  - taskId: a\ndefaults: {projectId: 1}\ncommits:\n",
	head + "defaults: |\n  x\ncommits:\n",
	head + "wrong: 1\ncommits:\n",
	" " + head + "commits:\n",
	"",
	"{apiVersion: wedatasync/v1, commits: [\n",
}

// written is a file in its documents.
type written []part

type part struct {
	head  string
	items []string
	level string // what the items are indented by
}

func (x written) bytes() []byte {
	var b bytes.Buffer
	for i, d := range x {
		if i > 0 {
			b.WriteString("---\n")
		}
		b.WriteString(d.head)
		for _, item := range d.items {
			for line := range strings.Lines(item) {
				if line != "\n" {
					b.WriteString(d.level)
				}
				b.WriteString(line)
			}
		}
	}
	return b.Bytes()
}

func drawItem(t *rapid.T) string {
	if rapid.IntRange(0, 3).Draw(t, "nasty") == 0 {
		return rapid.SampledFrom(nasty).Draw(t, "item")
	}
	task := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}).Draw(t, "task")
	return fmt.Sprintf("- taskId: %s\n  instanceVersion: %d\n", task, rapid.IntRange(1, 3).Draw(t, "version"))
}

func drawPart(t *rapid.T) part {
	d := part{head: heads[1], level: rapid.SampledFrom([]string{"  ", "  ", "", "    "}).Draw(t, "level")}
	if rapid.IntRange(0, 2).Draw(t, "other head") == 0 {
		d.head = rapid.SampledFrom(heads).Draw(t, "head")
	}
	for range rapid.IntRange(0, 6).Draw(t, "items") {
		d.items = append(d.items, drawItem(t))
	}
	return d
}

// edit returns the text after one of the edits that people make.
func (x written) edit(t *rapid.T) written {
	x = slices.Clone(x)
	if rapid.IntRange(0, 5).Draw(t, "document") == 0 || len(x) == 0 {
		at := rapid.IntRange(0, len(x)).Draw(t, "at")
		if at < len(x) && rapid.Bool().Draw(t, "remove") {
			return slices.Delete(x, at, at+1)
		}
		return slices.Insert(x, at, drawPart(t))
	}
	d := &x[rapid.IntRange(0, len(x)-1).Draw(t, "in")]
	d.items = slices.Clone(d.items)
	at := rapid.IntRange(0, len(d.items)).Draw(t, "item")
	switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
	case what == 0:
		d.head = rapid.SampledFrom(heads).Draw(t, "head")
	case what < 4 || at == len(d.items):
		d.items = slices.Insert(d.items, at, drawItem(t))
	case what < 6:
		d.items = slices.Delete(d.items, at, at+1)
	case what == 6: // it is moved
		item := d.items[at]
		d.items = slices.Delete(d.items, at, at+1)
		d.items = slices.Insert(d.items, rapid.IntRange(0, len(d.items)).Draw(t, "to"), item)
	default:
		d.items[at] = drawItem(t)
	}
	return x
}

// A file that is read change by change says what it says when it is read at once:
// the same commits and complaints, at the same places, in the same order. So does the
// set that it is put into.
func TestReparse(t *testing.T) {
	if checks := flag.Lookup("rapid.checks"); *long && checks.Value.String() == checks.DefValue {
		if err := checks.Value.Set("20000"); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = checks.Value.Set(checks.DefValue) }()
	}
	steps, remembered := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		x := written{drawPart(t)}
		var f *spec.File
		s := spec.NewSet()
		for range rapid.IntRange(2, 8).Draw(t, "steps") {
			data := x.bytes()
			if rapid.IntRange(0, 9).Draw(t, "cut off") == 0 {
				data = bytes.TrimRight(data, "\n")
			}
			f = checkReparse(t, f, data)
			s.Put(f)
			fresh := spec.NewSet()
			fresh.Put(spec.ParseWhole("fuzz.yaml", data))
			if diff := cmp.Diff(slices.Collect(fresh.All()), slices.Collect(s.All())); diff != "" {
				t.Fatalf("the set differs from one made at once (-once +steps):\n%s\n%s", diff, data)
			}
			if diff := cmp.Diff(fresh.Problems(), s.Problems()); diff != "" {
				t.Fatalf("the set's problems differ from those of one made at once (-once +steps):\n%s\n%s", diff, data)
			}
			if steps++; spec.Pieces(f) > 0 {
				remembered++
			}
			x = x.edit(t)
		}
	})
	t.Logf("%d of %d versions were remembered in pieces", remembered, steps)
	if remembered < steps/10 {
		t.Error("that is too few for the law to say much")
	}
}

// Of a large file no more is parsed than has changed, as long as it is written as
// people write it. Of a list, its first commit always is.
func TestReparse_parsesWhatIsNew(t *testing.T) {
	const n = 1_000
	replace := func(old, now string, times int) func([]byte) []byte {
		return func(data []byte) []byte { return bytes.Replace(data, []byte(old), []byte(now), times) }
	}
	tasks := func(i int) string { return fmt.Sprintf("kb947c997-4f91-4a1f-913d-%012d", i) }
	for name, c := range map[string]struct {
		data   []byte
		edit   func([]byte) []byte
		parsed int
		shared int // commits that are the ones of the earlier version
	}{
		"nothing":                  {list(n), replace("", "", 0), 1, n - 1},
		"one commit":               {list(n), replace(tasks(500), "other", 1), 2, n - 2},
		"two commits":              {list(n), replace(tasks(1), "other", 1), 2, n - 2},
		"the last commit":          {list(n), replace(tasks(n-1), "other", 1), 2, n - 2},
		"a comment":                {list(n), replace(tasks(500), tasks(500)+"\n    # why", 1), 2, 499},
		"a comment at the top":     {list(n), replace("api", "# why\napi", 1), 1, 0},
		"another description":      {list(n), replace("nightly release", "|\n      nightly\n\n      release", 10), 10, 0},
		"the default":              {list(n), replace("projectId: \"1", "projectId: \"2", 1), n, 0},
		"a default said otherwise": {list(n), replace("taskType: realtime", "taskType: 201", 1), 1, n - 1},
		"a fault":                  {list(n), replace(tasks(500), "''", 1), 2, n - 2},
		"a key indicator":          {list(n), replace("    versionDesc:", "    ? versionDesc\n    :", 1), n, 0},
		"lines of Windows":         {list(n), replace("\n", "\r\n", -1), n, 0},
		"a tab":                    {list(n), replace("release", "release\t", 1), n, 0},
		"no list":                  {list(n), replace("commits:\n", "commits: # all\n", 1), n, 0},
		"no document":              {documents(n), replace("", "", 0), 0, n},
		"one document":             {documents(n), replace("instanceVersion: 3", "instanceVersion: 4", 1), 1, n - 1},
		"a document more":          {documents(n), replace("---\n", "---\n"+head+"commits: []\n---\n", 2), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			before := spec.Parse("large.yaml", c.data)
			if before.Parsed() != n {
				t.Fatalf("of %d commits %d were parsed", n, before.Parsed())
			}
			data := c.edit(c.data)
			after := spec.Reparse(before, "large.yaml", data)
			if diff := cmp.Diff(spec.ParseWhole("large.yaml", data), after, cmpopts.IgnoreUnexported(spec.File{})); diff != "" {
				t.Errorf("the file differs from what is parsed as a whole (-whole +changes):\n%s", diff)
			}
			shared := 0
			for _, commit := range after.Commits {
				if slices.Contains(before.Commits, commit) {
					shared++
				}
			}
			if after.Parsed() != c.parsed || shared != c.shared {
				t.Errorf("%d commits were parsed and %d are shared, want %d and %d", after.Parsed(), shared, c.parsed, c.shared)
			}
		})
	}
}

// checkReparse parses a version of a file after another one.
func checkReparse(t interface {
	Helper()
	Fatalf(string, ...any)
}, old *spec.File, data []byte,
) *spec.File {
	t.Helper()
	var before []spec.Commit
	if old != nil {
		for _, c := range old.Commits {
			before = append(before, *c)
		}
	}
	got := spec.ReparseAll(old, "fuzz.yaml", data)
	if diff := cmp.Diff(spec.ParseWhole("fuzz.yaml", data), got, cmpopts.IgnoreUnexported(spec.File{}), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("the file differs from what is parsed as a whole (-whole +changes):\n%s\n%s", diff, data)
	}
	for i, c := range before {
		if !cmp.Equal(c, *old.Commits[i]) {
			t.Fatalf("commit %d of the earlier version was changed: %v", i, old.Commits[i])
		}
	}
	return got
}

// Whatever the bytes are, and however they are changed and changed back.
func FuzzReparse(f *testing.F) {
	var all strings.Builder
	for _, item := range nasty {
		one := written{{heads[1], []string{"- taskId: x\n", item, "- taskId: y\n  versionDesc: z\n"}, "  "}}.bytes()
		f.Add(one, uint16(len(one)/2), uint16(3), "z\n  - taskId: n\n")
		all.WriteString(item)
	}
	for _, h := range heads {
		two := written{{h, nasty[:3], ""}, {heads[2], nasty[3:6], "  "}}.bytes()
		f.Add(two, uint16(len(two)-20), uint16(0), "\n---\n")
	}
	for _, b := range badFiles(f) {
		f.Add(b.data, uint16(len(b.data)/3), uint16(1), "- ")
	}
	f.Fuzz(func(t *testing.T, data []byte, at, length uint16, insert string) {
		if len(data)+len(insert) > 32<<10 {
			t.Skip("no longer text finds more")
		}
		from := min(int(at), len(data))
		to := min(from+int(length), len(data))
		edited := slices.Concat(data[:from], []byte(insert), data[to:])
		first := checkReparse(t, nil, data)
		second := checkReparse(t, first, edited)
		checkReparse(t, second, data)
		checkReparse(t, first, data)
	})
}
