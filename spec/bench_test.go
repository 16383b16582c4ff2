package spec_test

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/wedatasync/wedatasync/spec"
)

// small is a spec file as people write it.
func small(i, version int) (name string, data []byte) {
	return fmt.Sprintf("tasks/%03d/%06d.yaml", i/100, i), fmt.Appendf(nil, `# Orders, loaded every minute.
apiVersion: wedatasync/v1
commits:
  - taskId: kb947c997-4f91-4a1f-913d-%012d
    projectId: "1486804694126882816"
    commitType: start
    taskType: realtime
    instanceVersion: %d
    versionDesc: nightly release %d
`, i*7919%1_000_003, version, version)
}

func put(s *spec.Set, i, version int) { s.Put(spec.Parse(small(i, version))) }

func BenchmarkParse(b *testing.B) {
	name, data := small(1, 7)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if f := spec.Parse(name, data); len(f.Commits) != 1 {
			b.Fatal(f.Problems)
		}
	}
}

// The time of one commit does not grow with the file.
func BenchmarkParseLarge(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		for _, style := range []struct {
			name string
			data []byte
		}{{"list", list(n)}, {"documents", documents(n)}} {
			b.Run(fmt.Sprintf("%s-%d", style.name, n), func(b *testing.B) {
				data := style.data
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					if f := spec.Parse("large.yaml", data); len(f.Commits) != n {
						b.Fatal(f.Problems)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/commit")
			})
		}
	}
}

func list(n int) []byte {
	data := []byte(head + "defaults: {projectId: \"1486804694126882816\", taskType: realtime, commitType: start}\ncommits:\n")
	for i := range n {
		data = fmt.Appendf(data, "  - taskId: kb947c997-4f91-4a1f-913d-%012d\n    instanceVersion: 3\n    versionDesc: nightly release\n", i)
	}
	return data
}

// What an everyday push costs a file of 10,000 commits in a set of as many others: ten
// of them changed, in place or with a line more each, so that the others move.
func BenchmarkChange10Of10k(b *testing.B) {
	const n = 10_000
	for _, style := range []struct {
		name string
		data []byte
	}{{"list", list(n)}, {"documents", documents(n)}} {
		for _, change := range []struct{ name, format string }{
			{"in-place", "instanceVersion: %d"}, {"moved", "# Release\n    instanceVersion: %d"},
		} {
			b.Run(style.name+"/"+change.name, func(b *testing.B) {
				var versions [2][]byte
				for i := range versions {
					now := fmt.Sprintf(change.format, 4+i)
					if i == 0 {
						now = "instanceVersion: 4"
					}
					data := bytes.ReplaceAll(style.data, []byte("kb947c997"), []byte("ka1850f8b")) // no other file names them
					versions[i] = bytes.Replace(data, []byte("instanceVersion: 3"), []byte(now), 10)
				}
				s := spec.NewSet()
				for i := range n {
					put(s, n+i, 1)
				}
				round := 0
				next := func() {
					s.Put(spec.Parse("large.yaml", versions[round%2]))
					round++
				}
				next()
				s.Changed()
				b.ReportAllocs()
				for b.Loop() {
					next()
					if changed, _ := s.Changed(); len(changed) != 10 || s.Len() != 2*n || len(s.Problems()) != 0 {
						b.Fatal(len(changed), s.Len())
					}
				}
			})
		}
	}
}

func documents(n int) []byte {
	var data []byte
	for i := range n {
		_, one := small(i, 3)
		data = append(append(data, "---\n"...), one...)
	}
	return data
}

// What an everyday push costs a set of 100,000 files: ten files put again, then
// everything read that a pass reads.
func BenchmarkSetPut10Of100k(b *testing.B) {
	const n = 100_000
	s := spec.NewSet()
	for i := range n {
		put(s, i, 1)
	}
	if _, all := s.Changed(); !all || s.Len() != n {
		b.Fatal(s.Len(), s.Problems())
	}
	var files [2][]*spec.File
	for version := range files {
		for i := range 10 {
			files[version] = append(files[version], spec.Parse(small(i*9_973, version+2)))
		}
	}
	b.ReportAllocs()
	round := 0
	for b.Loop() {
		for _, f := range files[round%2] {
			s.Put(f)
		}
		round++
		if changed, _ := s.Changed(); len(changed) != 10 || s.Len() != n || len(s.Problems()) != 0 {
			b.Fatal(changed, s.Len())
		}
	}
}

// The same where every commit depends on another one. While only versions change,
// the dependencies are not looked at again; when one changes, all are.
func BenchmarkSetPut10Of100kDependent(b *testing.B) {
	b.Run("versions", func(b *testing.B) { put10Dependent(b, 0) })
	b.Run("dependencies", func(b *testing.B) { put10Dependent(b, 1) })
}

func put10Dependent(b *testing.B, shift int) {
	const n = 100_000
	dependent := func(i, version int) *spec.File {
		name := fmt.Sprintf("%06d.yaml", i)
		c := spec.Commit{
			Key:             key("p", name),
			InstanceVersion: int64(version),
			DependsOn:       []spec.Key{key("p", fmt.Sprintf("%06d.yaml", i/2-i/4*(shift*version%2)))},
			Pos:             spec.Pos{File: name, Line: 3, Column: 5},
		}
		if i == 0 {
			c.DependsOn = nil
		}
		return &spec.File{Name: name, Commits: []*spec.Commit{&c}}
	}
	s := spec.NewSet()
	for i := range n {
		s.Put(dependent(i, 1))
	}
	if s.Len() != n {
		b.Fatal(s.Len())
	}
	s.Changed()
	b.ReportAllocs()
	round := 1
	for b.Loop() {
		round++
		for i := range 10 {
			s.Put(dependent(i*9_973, round))
		}
		if changed, _ := s.Changed(); len(changed) != 10 || s.Len() != n {
			b.Fatal(len(changed), s.Len())
		}
	}
}

// What a set of 100,000 files takes: to fill, to read in order, and in memory.
func BenchmarkSetFill100k(b *testing.B) {
	const n = 100_000
	files := make([]*spec.File, 0, n)
	for i := range n {
		files = append(files, spec.Parse(small(i, 1)))
	}
	for b.Loop() {
		s := spec.NewSet()
		for _, f := range files {
			s.Put(f)
		}
		if s.Len() != n {
			b.Fatal(s.Problems())
		}
	}
}

// A set of 100,000 files of one commit each stays far under 100 MB; so does its
// share of a smaller one.
func TestSetMemory(t *testing.T) {
	n := 10_000
	if *long {
		n = 100_000
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := spec.NewSet()
	for i := range n {
		put(s, i, 1)
	}
	if s.Len() != n {
		t.Fatal(s.Problems())
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := int(after.HeapAlloc-before.HeapAlloc) / n
	t.Logf("%d files take %d bytes each", n, each)
	if each > 800 {
		t.Errorf("%d bytes for a file", each)
	}
	if !slices.IsSortedFunc(slices.Collect(s.All()), func(a, b *spec.Commit) int { return a.Key.Compare(b.Key) }) {
		t.Error("not in order")
	}
}
