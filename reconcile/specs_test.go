package reconcile

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

var long = flag.Bool("long", false, "run the long versions of the tests")

// seeds is how many seeds a test plays: the race detector makes each one many times
// as slow.
func seeds(race, plain, all int) int {
	switch {
	case *long:
		return all
	case raceDetector:
		return race
	default:
		return plain
	}
}

// noon is when tests take place; bubbles of synctest have a clock of their own.
var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

const project = "1486804694126882816"

// task is the key of a task in the project of the tests.
func task(id string) spec.Key { return spec.Key{ProjectID: project, TaskID: id} }

// document is a spec file with the commits, each written as the inside of a flow
// mapping, such as "taskId: a, commitType: start".
func document(commits ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: wedatasync/v1\ndefaults: {projectId: %q}\ncommits:\n", project)
	for _, c := range commits {
		fmt.Fprintf(&b, "  - {%s}\n", c)
	}
	if len(commits) == 0 {
		return "apiVersion: wedatasync/v1\ncommits: []\n"
	}
	return b.String()
}

// parsed keeps files that were parsed: tests read the same few again and again, and
// nobody changes them.
var parsed sync.Map

func parse(name, text string) *spec.File {
	key := name + "\x00" + text
	f, ok := parsed.Load(key)
	if !ok {
		f, _ = parsed.LoadOrStore(key, spec.Parse(name, []byte(text)))
	}
	return f.(*spec.File)
}

// specs is a set of one file with the commits, all of which are usable.
func specs(t testing.TB, commits ...string) *spec.Set {
	t.Helper()
	s := spec.NewSet()
	s.Put(parse("tasks.yaml", document(commits...)))
	if n := s.Problems().Errors(); n > 0 {
		t.Fatalf("specs of the test: %v", s.Problems())
	}
	return s
}

// adopted is a state in which the commits have been applied.
func adopted(t testing.TB, commits ...string) *state.Records {
	t.Helper()
	records := state.NewRecords()
	for c := range specs(t, commits...).All() {
		records.Put(Adopt(nil, c, "r0", noon.Add(-time.Hour)).Record)
	}
	return records
}

// recordsIn returns the records in order of key.
func recordsIn(r *state.Records) []*state.Record {
	var list []*state.Record
	for _, key := range slices.SortedFunc(r.Keys(), spec.Key.Compare) {
		list = append(list, r.Get(key))
	}
	return list
}

// attemptAt is an attempt to apply the commit, made at at.
func attemptAt(c *spec.Commit, at time.Time) state.Attempt {
	return state.Attempt{
		ID: "a1", Wanted: AppliedOf(c, "r1"), WantedID: c.Wanted(), Request: c.Request(), Reason: string(ReasonVersion),
		PlanHash: "sha256:0", File: c.Pos.File, Line: c.Pos.Line, At: at,
	}
}

// ended returns the record of a task whose attempt to apply the commit came to out.
func ended(have *state.Record, c *spec.Commit, at time.Time, out state.Outcome) *state.Record {
	rec := begin(c.Key, have, attemptAt(c, at))
	if out.Class == "" {
		return rec // the intent stands
	}
	return finish(have, rec, out, at, 0)
}

// line says what a change is in one line: action, reason, hold.
func line(c *Change) string {
	parts := []string{c.Key.TaskID, string(c.Action)}
	if c.Reason != "" {
		parts = append(parts, string(c.Reason))
	}
	if c.Hold != "" {
		parts = append(parts, "held", string(c.Hold))
	}
	return strings.Join(parts, " ")
}

// lines says what a plan does, a line for each change.
func lines(p *Plan) []string {
	all := []string{}
	for i := range p.Changes {
		all = append(all, line(&p.Changes[i]))
	}
	return all
}

// callKeys returns the tasks that the plan calls for.
func callKeys(p *Plan) []spec.Key {
	var keys []spec.Key
	for c := range p.Calls() {
		keys = append(keys, c.Key)
	}
	return keys
}

// quoteAll makes tests fail with the lines below one another.
func quoteAll(list []string) string { return "\n\t" + strings.Join(list, "\n\t") }

// taskAt returns the commit of the i-th of many tasks.
func taskAt(i, version int) string {
	return fmt.Sprintf("taskId: t%03d, commitType: start, instanceVersion: %d", i, version)
}
