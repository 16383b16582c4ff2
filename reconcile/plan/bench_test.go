package plan

import (
	"fmt"
	"testing"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// manyTasks is a set of n tasks and a state in which all of them are applied.
func manyTasks(n int) Input {
	in := Input{Specs: spec.NewSet(), Records: state.NewRecords()}
	for i := range n {
		f := &spec.File{Name: fmt.Sprintf("%d.yaml", i), Commits: []*spec.Commit{{
			Key: task(fmt.Sprintf("t%06d", i)), CommitType: spec.Start, InstanceVersion: 1,
			ExtConfig: []spec.Param{{Name: "name", Value: "value"}},
		}}}
		in.Specs.Put(f)
		c := f.Commits[0]
		in.Records.Put(Adopt(nil, c, "", noon).Record)
	}
	in.Specs.Len()
	return in
}

// BenchmarkDiff compares 100,000 tasks: all of them, as after a start, and the ten
// that have changed, as after a push.
func BenchmarkDiff(b *testing.B) {
	in := manyTasks(100_000)
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Diff(in, noon)
		}
	})
	for i := range 10 {
		in.Keys = append(in.Keys, task(fmt.Sprintf("t%06d", i*1000)))
	}
	b.Run("ten", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Diff(in, noon)
		}
	})
}
