package storetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Law: what is found by what somebody says is what reading all records finds.
func testFindLaw(t *testing.T, fresh func(testing.TB) Database) {
	words := rapid.SampledFrom([]string{"a", "b", "ab", "a%", "a_", "ä", "日", "orders"})
	rapid.Check(t, func(rt *rapid.T) {
		s, err := fresh(t).Open(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		defer s.Close()
		all := map[spec.Key]state.Record{}
		var saves []state.Transition
		for range rapid.IntRange(0, 12).Draw(rt, "records") {
			rec := state.Record{Key: spec.Key{ProjectID: words.Draw(rt, "project"), TaskID: words.Draw(rt, "task") + words.Draw(rt, "more")}, Status: state.StatusApplied}
			rec.Applied = AppliedOf(1)
			rec.Applied.Name = rapid.OneOf(rapid.Just(""), words).Draw(rt, "name")
			if rapid.Bool().Draw(rt, "tried") {
				tried := Intent(1).Record
				rec.Status, rec.Attempt = tried.Status, tried.Attempt
				rec.Attempt.Wanted.Name = rapid.OneOf(rapid.Just(""), words).Draw(rt, "wanted name")
			}
			all[rec.Key] = rec
			saves = append(saves, state.Transition{Record: &rec, Events: []state.Event{{Kind: state.EventOutcome, Key: rec.Key}}})
		}
		if err := s.SaveAll(t.Context(), saves); err != nil {
			rt.Fatal(err)
		}
		said, prefixes := words.Draw(rt, "said"), rapid.Bool().Draw(rt, "prefixes")
		if rapid.Bool().Draw(rt, "as a key") {
			said += "/" + words.Draw(rt, "rest")
		}
		want := []string{}
		for _, rec := range all {
			for _, text := range []string{rec.Key.TaskID, rec.Key.String(), rec.Name()} {
				if text == said || prefixes && strings.HasPrefix(text, said) {
					want = append(want, rec.Key.String())
					break
				}
			}
		}
		found, err := s.Find(t.Context(), said, prefixes)
		if err != nil {
			rt.Fatal(err)
		}
		got := []string{}
		for _, rec := range found {
			if diff := cmp.Diff(all[rec.Key], *rec); diff != "" {
				rt.Errorf("(-saved +found):\n%s", diff)
			}
			got = append(got, rec.Key.String())
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			rt.Errorf("%q with prefixes %v: found %q, want %q", said, prefixes, got, want)
		}
	})
}
