package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/spec"
)

// drawWeighed draws a small file of few tasks, so that they are often named twice.
func drawWeighed(t *rapid.T, name string) *spec.File {
	var b strings.Builder
	b.WriteString("apiVersion: wedatasync/v1\ncommits:\n")
	for range rapid.IntRange(1, 4).Draw(t, "commits") {
		fmt.Fprintf(&b, "  - {taskId: t%d, projectId: p, commitType: 0", rapid.IntRange(0, 5).Draw(t, "task"))
		if rapid.IntRange(0, 3).Draw(t, "wrong") == 0 {
			b.WriteString(", instanceVersion: wrong")
		}
		if rapid.Bool().Draw(t, "depends") {
			b.WriteString(", dependsOn: [t8, t9]")
		}
		b.WriteString("}\n")
	}
	return spec.Parse(name, []byte(b.String()))
}

// The weight of a set is that of its files, however they came in, and what is named more
// than once counts at each place.
func TestWeight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, files := spec.NewSet(), map[string]*spec.File{}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			name := fmt.Sprintf("%d.yaml", rapid.IntRange(0, 5).Draw(t, "file"))
			if rapid.IntRange(0, 2).Draw(t, "how") == 0 {
				s.Remove(name)
				delete(files, name)
			} else {
				files[name] = drawWeighed(t, name)
				s.Put(files[name])
			}
			var want, sum spec.Weight
			times := map[spec.Key]int{}
			for name, f := range files {
				want = want.Add(f.Weight())
				sum = sum.Add(s.WeightOf(name))
				for k := range f.Keys() {
					times[k]++
				}
			}
			for k, n := range times {
				if n > 1 {
					want.Complaints += n
				}
				if named, counted := s.Elsewhere(k, nil); !named || counted != (n > 1) {
					t.Fatalf("%v: named %v, counted %v, %d times", k, named, counted, n)
				}
			}
			if s.Weight() != want || sum != want {
				t.Fatalf("the set weighs %+v, its files %+v, want %+v", s.Weight(), sum, want)
			}
		}
	})
}

// A file under another name is what is parsed of the same text under that name.
func TestFile_As(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawWeighed(t, "a.yaml")
		b := a.As("in/b.yaml")
		if diff := cmp.Diff(a, b.As("a.yaml")); diff != "" {
			t.Fatal(diff)
		}
		for _, c := range b.Commits {
			if c.Pos.File != b.Name {
				t.Fatalf("a commit is at %v", c.Pos)
			}
		}
	})
}

// A repository does not decide how long a list of complaints is: the first are listed in
// order of place, and the others counted.
func TestProblemsAreBounded(t *testing.T) {
	const files, each = 30, 100
	s := spec.NewSet()
	for i := range files {
		text := "apiVersion: wedatasync/v1\ncommits:\n" + strings.Repeat("  - {taskId: a b, projectId: p, commitType: 0}\n", each)
		s.Put(spec.Parse(fmt.Sprintf("%02d.yaml", i), []byte(text)))
	}
	ps := s.Problems()
	if len(ps) != 1001 || ps.Errors() != files*each || ps.Len() != files*each {
		t.Errorf("%d are listed, %d errors of %d are counted", len(ps), ps.Errors(), ps.Len())
	}
	last := ps[len(ps)-1]
	if ps[999].File != "09.yaml" || last.File != "10.yaml" || last.Code != "more-problems" || last.Message != "there are 2000 more errors from here on: correct the ones before first" {
		t.Errorf("the last ones are %v and %v", ps[999], last)
	}
}
