package bench_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// BenchmarkPlan makes the plan of ten changes that have been fetched: it parses the
// files, puts them among the others, compares them with the state, and asks the
// guards.
//
// The naive way compares all tasks, without even parsing them again.
func BenchmarkPlan(b *testing.B) {
	for _, l := range layouts() {
		b.Run(l.String(), func(b *testing.B) {
			s, records := settled(l)
			guards := plan.Guards{MaxChanges: changed}
			r := reconcile.New(reconcile.Config{
				Source: s, Logger: slog.New(slog.DiscardHandler), Guards: func() *plan.Guards { return &guards },
			}, records, state.Control{})
			p := func(want int) {
				if _, err := r.Poll(b.Context()); err != nil {
					b.Fatal(err)
				}
				if p, err := r.Plan(b.Context()); err != nil || len(slices.Collect(p.Calls())) != want {
					b.Fatalf("the plan is %+v, %v, want %d calls", p, err, want)
				}
			}
			p(0)
			var ours, naives sample
			for b.Loop() {
				s.push()
				start := time.Now()
				p(changed)
				ours = append(ours, time.Since(start))
				if len(naives) < 5 {
					start := time.Now()
					plan.Diff(plan.Input{Specs: s.set, Records: records, Control: &state.Control{}}, start)
					naives = append(naives, time.Since(start))
				}
			}
			report(b, ours, naives)
		})
	}
}

// settled returns specs of the layout that are all applied, and their records.
func settled(l layout) (*pushedSource, *state.Records) {
	s := &pushedSource{layout: l, set: spec.NewSet(), version: 1}
	records := state.NewRecords()
	last := l.files
	if l.list > 0 {
		last++
	}
	for i := range last {
		f := spec.Parse(l.file(i, 1))
		s.set.Put(f)
		for _, c := range f.Commits {
			records.Put(plan.Adopt(nil, c, "r1", time.Unix(1_790_000_000, 0)).Record)
		}
	}
	return s, records
}

// pushedSource is a source from which the changed files of a push have been fetched.
type pushedSource struct {
	layout
	set     *spec.Set
	version int
	fetched map[string][]byte
}

func (s *pushedSource) push() {
	s.version++
	s.fetched = s.edit(s.version)
}

// Poll implements reconcile.Source.
func (s *pushedSource) Poll(context.Context) (*reconcile.Revision, error) {
	for name, text := range s.fetched {
		s.set.Put(spec.Parse(name, text))
	}
	return &reconcile.Revision{ID: "r1", Specs: s.set}, nil
}

// Descends implements reconcile.Source.
func (s *pushedSource) Descends(context.Context, string, string) (bool, error) { return true, nil }

// SameSpecs implements reconcile.Source.
func (s *pushedSource) SameSpecs(context.Context, string, string) (bool, error) { return true, nil }

// Close implements reconcile.Source.
func (s *pushedSource) Close() error { return nil }
