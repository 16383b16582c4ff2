package spec_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/spec"
)

// file parses commits of project p, written as the inside of a flow mapping.
func file(name string, commits ...string) *spec.File {
	var b strings.Builder
	b.WriteString(head + "defaults: {projectId: p, commitType: start}\ncommits:\n")
	for _, c := range commits {
		fmt.Fprintf(&b, "- {%s}\n", c)
	}
	if len(commits) == 0 {
		b.WriteString("  []\n")
	}
	return spec.Parse(name, []byte(b.String()))
}

// tasks lists the usable commits of a set, in its order.
func tasks(s *spec.Set) string {
	var names []string
	for c := range s.All() {
		names = append(names, c.TaskID)
	}
	return strings.Join(names, " ")
}

func TestSet(t *testing.T) {
	for name, c := range map[string]struct {
		files    []*spec.File
		tasks    string
		problems []string
	}{
		"nothing": {},
		"in order of project and task": {
			files: []*spec.File{
				file("1.yaml", "taskId: c", "taskId: z, projectId: o", "taskId: a"),
				file("2.yaml", "taskId: b"),
			},
			tasks: "z a b c",
		},
		"a file put again replaces itself": {
			files: []*spec.File{file("1.yaml", "taskId: a", "taskId: b"), file("1.yaml", "taskId: b", "taskId: c")},
			tasks: "b c",
		},
		"twice in one file": {
			files: []*spec.File{file("1.yaml", "taskId: a", "taskId: b", "taskId: a")},
			tasks: "b",
			problems: []string{
				`1.yaml:4:3: task "a" of project "p" is also named in 1.yaml:6:3 (2 times in all): keep one, neither is used`,
				`1.yaml:6:3: task "a" of project "p" is also named in 1.yaml:4:3 (2 times in all): keep one, neither is used`,
			},
		},
		"twice in two files": {
			files: []*spec.File{file("2.yaml", "taskId: a"), file("1.yaml", "taskId: a", "taskId: b")},
			tasks: "b",
			problems: []string{
				`1.yaml:4:3: task "a" of project "p" is also named in 2.yaml:4:3 (2 times in all): keep one, neither is used`,
				`2.yaml:4:3: task "a" of project "p" is also named in 1.yaml:4:3 (2 times in all): keep one, neither is used`,
			},
		},
		"the same task in two projects": {
			files: []*spec.File{file("1.yaml", "taskId: a", "taskId: a, projectId: q")},
			tasks: "a a",
		},
		"a broken commit is also a name": {
			files: []*spec.File{file("1.yaml", "taskId: a, suspend: maybe"), file("2.yaml", "taskId: a")},
			problems: []string{
				`1.yaml:4:3: task "a" of project "p" is also named in 2.yaml:4:3 (2 times in all): keep one, neither is used`,
				`1.yaml:4:24: suspend must be true or false, without quotes, not "maybe"`,
				`2.yaml:4:3: task "a" of project "p" is also named in 1.yaml:4:3 (2 times in all): keep one, neither is used`,
			},
		},
		"a dependency in another file": {
			files: []*spec.File{file("1.yaml", "taskId: a, dependsOn: [b, q/c]"), file("2.yaml", "taskId: b", "taskId: c, projectId: q")},
			tasks: "a b c",
		},
		"an unknown dependency": {
			files:    []*spec.File{file("1.yaml", "taskId: a, dependsOn: [b]", "taskId: c, dependsOn: [a]")},
			tasks:    "c",
			problems: []string{`1.yaml:4:3: dependsOn names task "b" of project "p", which is in no spec: correct it, or add the spec`},
		},
		"a dependency that is broken is a known one": {
			files:    []*spec.File{file("1.yaml", "taskId: a, dependsOn: [b]", "taskId: b, suspend: maybe")},
			tasks:    "a",
			problems: []string{`1.yaml:5:24: suspend must be true or false, without quotes, not "maybe"`},
		},
		"a dependency that may be in a file that cannot be read": {
			files:    []*spec.File{file("1.yaml", "taskId: a, dependsOn: [b]"), spec.BadFile("2.yaml", "symlink", "it is a link")},
			tasks:    "a",
			problems: []string{`2.yaml:1:1: it is a link`},
		},
		"a circle": {
			files: []*spec.File{
				file("1.yaml", "taskId: a, dependsOn: [b]", "taskId: leads-to-it, dependsOn: [a]"),
				file("2.yaml", "taskId: b, dependsOn: [c]", "taskId: c, projectId: p, dependsOn: [beside, a]", "taskId: beside"),
			},
			tasks: "beside leads-to-it",
			problems: []string{
				`1.yaml:4:3: dependsOn goes round in a circle (a -> b -> c -> a): take one of these dependencies out`,
				`2.yaml:4:3: dependsOn goes round in a circle (a -> b -> c -> a): take one of these dependencies out`,
				`2.yaml:5:3: dependsOn goes round in a circle (a -> b -> c -> a): take one of these dependencies out`,
			},
		},
		"a circle through another project": {
			files: []*spec.File{file("1.yaml", "taskId: a, dependsOn: [q/b]", "taskId: b, projectId: q, dependsOn: [p/a]")},
			problems: []string{
				`1.yaml:4:3: dependsOn goes round in a circle (a -> q/b -> a): take one of these dependencies out`,
				`1.yaml:5:3: dependsOn goes round in a circle (p/a -> b -> p/a): take one of these dependencies out`,
			},
		},
		"a long circle": {
			files: []*spec.File{file("1.yaml", circle(9)...)},
			problems: slices.Collect(func(yield func(string) bool) {
				for i := range 9 {
					if !yield(fmt.Sprintf("1.yaml:%d:3: dependsOn goes round in a circle (t0 -> t1 -> t2 -> t3 -> t4 -> … -> t0): take one of these dependencies out", 4+i)) {
						return
					}
				}
			}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := spec.NewSet()
			for _, f := range c.files {
				s.Put(f)
			}
			if got := tasks(s); got != c.tasks {
				t.Errorf("usable are %q, want %q", got, c.tasks)
			}
			var problems []string
			for _, p := range s.Problems() {
				problems = append(problems, p.String())
			}
			if diff := cmp.Diff(c.problems, problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func circle(n int) []string {
	var commits []string
	for i := range n {
		commits = append(commits, fmt.Sprintf("taskId: t%d, dependsOn: [t%d]", i, (i+1)%n))
	}
	return commits
}

func TestSetSaysWhatIsSurelyAbsent(t *testing.T) {
	s := spec.NewSet()
	s.Put(file("1.yaml", "taskId: a", "taskId: broken, suspend: maybe", "taskId: b, dependsOn: [nothing]", "taskId: c", "taskId: c"))
	for task, want := range map[string]bool{"a": false, "broken": false, "b": false, "c": false, "other": true} {
		if got := s.Absent(key("p", task)); got != want {
			t.Errorf("Absent(%s) = %v", task, got)
		}
	}
	s.Put(file("2.yaml", "taskId: a b"))
	if s.Absent(key("p", "other")) {
		t.Error("a commit whose task cannot be read may be any task")
	}
	s.Remove("2.yaml")
	s.Remove("2.yaml")
	if !s.Absent(key("p", "other")) || s.Files() != 1 {
		t.Error("what is removed is still there")
	}
}

// A task that went away while a file could not be read is only surely gone when
// that file can be read again; Changed names it then once more.
func TestSetChangedNamesWhatHasBecomeAbsent(t *testing.T) {
	s := spec.NewSet()
	s.Put(file("1.yaml", "taskId: a"))
	s.Put(file("2.yaml", "taskId: b"))
	step := func(what string, want ...spec.Key) {
		t.Helper()
		got, all := s.Changed()
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || all {
			t.Errorf("%s: all: %v (-want +got):\n%s", what, all, diff)
		}
	}
	if _, all := s.Changed(); !all {
		t.Error("at first it is not all tasks")
	}
	step("nothing happened")
	s.Put(spec.BadFile("2.yaml", "symlink", "it is a link"))
	step("2.yaml cannot be read", key("p", "b"))
	s.Put(file("1.yaml"))
	step("a went away", key("p", "a"))
	s.Put(file("2.yaml", "taskId: b"))
	step("2.yaml can be read again", key("p", "a"), key("p", "b"))
	s.Put(file("2.yaml", "taskId: b"))
	step("2.yaml says the same")
	s.Put(file("2.yaml", "taskId: b, versionDesc: new"))
	step("2.yaml says something else", key("p", "b"))
}

// A set that was changed step by step is the set made of its files at once, and
// both are what the plain rules say. Changed names every difference.
func TestSetIsWhatItsFilesSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := map[string]*spec.File{}
		s := spec.NewSet()
		before := picture{}
		owed := map[spec.Key]bool{} // named since it was last said to be absent
		first := true
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				name := rapid.SampledFrom([]string{"1.yaml", "2.yaml", "3.yaml", "4.yaml"}).Draw(t, "file")
				if rapid.IntRange(0, 3).Draw(t, "what") == 0 {
					s.Remove(name)
					delete(files, name)
					continue
				}
				f := drawFile(t, name)
				s.Put(f)
				files[name] = f
			}
			fresh := spec.NewSet()
			for _, name := range rapid.Permutation(slices.Sorted(maps.Keys(files))).Draw(t, "order") {
				fresh.Put(files[name])
			}
			for name, f := range files {
				if s.File(name) != f {
					t.Fatalf("%s is another file than was put", name)
				}
			}
			now := take(s)
			if diff := cmp.Diff(take(fresh), now, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("step by step differs from at once (-once +steps):\n%s", diff)
			}
			checkRules(t, files, now)

			changed := map[spec.Key]bool{}
			list, all := s.Changed()
			if all != first {
				t.Fatalf("Changed says that it is all: %v", all)
			}
			first = false
			for _, k := range list {
				changed[k] = true
			}
			if !slices.IsSortedFunc(list, spec.Key.Compare) || len(changed) != len(list) {
				t.Fatalf("Changed is not in order, or repeats: %v", list)
			}
			for _, k := range universe() {
				if !cmp.Equal(before.Commits[k], now.Commits[k], cmpopts.IgnoreFields(spec.Commit{}, "Pos")) && !changed[k] && !all {
					t.Fatalf("%v differs and is not among Changed: %v", k, list)
				}
				if owed[k] && now.Absent[k] && !changed[k] && !all {
					t.Fatalf("%v has become absent and is not among Changed: %v", k, list)
				}
				owed[k] = owed[k] && !now.Absent[k]
			}
			before = now
			for _, f := range files {
				for _, c := range f.Commits {
					owed[c.Key] = true
				}
				for _, b := range f.Broken {
					owed[b.Key] = true
				}
			}
		}
	})
}

// picture is all that a set says.
type picture struct {
	Order    []spec.Key
	Commits  map[spec.Key]spec.Commit
	Absent   map[spec.Key]bool
	Problems spec.Problems
}

func take(s *spec.Set) picture {
	p := picture{Commits: map[spec.Key]spec.Commit{}, Absent: map[spec.Key]bool{}, Problems: s.Problems()}
	for c := range s.All() {
		if other := s.At(len(p.Order)); c != other {
			panic(fmt.Sprintf("All has %v, At %v", c, other))
		}
		p.Order = append(p.Order, c.Key)
	}
	for _, k := range universe() {
		if c := s.Get(k); c != nil {
			p.Commits[k] = *c
		}
		if s.Has(k) != (s.Get(k) != nil) {
			panic(fmt.Sprintf("Has(%v) is %v", k, s.Has(k)))
		}
		p.Absent[k] = s.Absent(k)
	}
	if s.Len() != len(p.Order) || len(p.Order) != len(p.Commits) {
		panic(fmt.Sprintf("Len %d, All %d, Get %d", s.Len(), len(p.Order), len(p.Commits)))
	}
	return p
}

// universe is every task of the drawn files.
func universe() []spec.Key {
	var keys []spec.Key
	for _, project := range []string{"p", "q"} {
		for _, task := range []string{"a", "b", "c", "d", "e"} {
			keys = append(keys, key(project, task))
		}
	}
	return keys
}

func drawFile(t *rapid.T, name string) *spec.File {
	f := &spec.File{Name: name}
	drawKey := rapid.SampledFrom(universe())
	for i := range rapid.IntRange(0, 4).Draw(t, "commits") {
		pos := spec.Pos{File: name, Line: 3 + i, Column: 3}
		k := drawKey.Draw(t, "task")
		if rapid.IntRange(0, 5).Draw(t, "broken") == 0 {
			f.Broken = append(f.Broken, spec.Named{Key: k, Pos: pos})
			f.Problems = append(f.Problems, spec.Problem{Pos: pos, Severity: spec.SeverityError, Code: "broken", Message: "broken"})
			continue
		}
		c := &spec.Commit{Key: k, CommitType: spec.Start, InstanceVersion: rapid.Int64Range(1, 2).Draw(t, "version"), Pos: pos}
		for _, on := range rapid.SliceOfNDistinct(drawKey, 0, 2, rapid.ID[spec.Key]).Draw(t, "dependsOn") {
			if on != k {
				c.DependsOn = append(c.DependsOn, on)
			}
		}
		f.Commits = append(f.Commits, c)
	}
	f.Unread = rapid.IntRange(0, 9).Draw(t, "unread") == 0
	return f
}

// checkRules compares with the rules, written down without regard to cost.
func checkRules(t *rapid.T, files map[string]*spec.File, got picture) {
	named := map[spec.Key]int{}
	commits := map[spec.Key]spec.Commit{}
	unread := false
	for _, f := range files {
		unread = unread || f.Unread
		for _, c := range f.Commits {
			named[c.Key]++
			commits[c.Key] = *c
		}
		for _, b := range f.Broken {
			named[b.Key] += 2 // never usable
		}
	}
	maps.DeleteFunc(commits, func(k spec.Key, _ spec.Commit) bool { return named[k] > 1 })
	var reaches func(from, to spec.Key, seen map[spec.Key]bool) bool
	reaches = func(from, to spec.Key, seen map[spec.Key]bool) bool {
		for _, on := range commits[from].DependsOn {
			if on == to {
				return true
			}
			if !seen[on] {
				seen[on] = true
				if reaches(on, to, seen) {
					return true
				}
			}
		}
		return false
	}
	want := map[spec.Key]spec.Commit{}
	for k, c := range commits {
		known := !slices.ContainsFunc(c.DependsOn, func(on spec.Key) bool { return named[on] == 0 && !unread })
		if known && !reaches(k, k, map[spec.Key]bool{}) {
			want[k] = c
		}
	}
	if diff := cmp.Diff(want, got.Commits); diff != "" {
		t.Fatalf("usable commits (-want +got):\n%s", diff)
	}
	for _, k := range universe() {
		if want := named[k] == 0 && !unread; got.Absent[k] != want {
			t.Fatalf("Absent(%v) = %v", k, got.Absent[k])
		}
	}
	if !slices.IsSortedFunc(got.Order, spec.Key.Compare) {
		t.Fatalf("All is not in order: %v", got.Order)
	}
}

// A chain of dependencies may be as long as the specs.
func TestSetFollowsLongChains(t *testing.T) {
	const n = 20_000
	task := func(i int) spec.Key { return key("p", fmt.Sprintf("t%d", i%n)) }
	s := spec.NewSet()
	for i := range n {
		s.Put(&spec.File{
			Name:    fmt.Sprintf("%d.yaml", i),
			Commits: []*spec.Commit{{Key: task(i), DependsOn: []spec.Key{task(i + 1)}}},
		})
	}
	if s.Len() != 0 || s.Problems().Len() != n {
		t.Errorf("a circle of %d: %d usable, %d problems", n, s.Len(), s.Problems().Len())
	}
	s.Put(file("0.yaml", "taskId: t0"))
	if s.Len() != n || len(s.Problems()) != 0 {
		t.Errorf("a chain of %d: %d usable, %d problems", n, s.Len(), s.Problems().Len())
	}
}

// One task named many thousand times stays cheap to report and to remove.
func TestSetBoundsRepeatedNames(t *testing.T) {
	many := slices.Repeat([]string{"taskId: a"}, 20_000)
	s := spec.NewSet()
	s.Put(file("1.yaml", many...))
	s.Put(file("2.yaml", many...))
	if n := len(s.Problems()); n != 10 {
		t.Errorf("%d problems", n)
	}
	s.Remove("1.yaml")
	s.Remove("2.yaml")
	if !s.Absent(key("p", "a")) {
		t.Error("still there")
	}
}

// Once one of the reading methods has returned, they may run at once.
func TestSetIsReadAtOnce(t *testing.T) {
	s := spec.NewSet()
	s.Put(file("1.yaml", "taskId: a", "taskId: b, dependsOn: [a]"))
	s.Put(spec.BadFile("2.yaml", "symlink", "it is a link"))
	s.Put(file("3.yaml", "taskId: c"))
	s.Len()
	var reading sync.WaitGroup
	for range 4 {
		reading.Go(func() {
			if all := take(s); len(all.Order) != 3 || s.At(2).TaskID != "c" || s.File("3.yaml") == nil {
				t.Errorf("the set says %v", all.Order)
			}
		})
	}
	reading.Wait()
}
