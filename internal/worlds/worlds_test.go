package worlds_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

var (
	long = flag.Bool("long", false, "live through 10,000 worlds, not 200")
	seed = flag.Uint64("seed", 0, "live through the world of this seed alone, and tell all of it")
)

// TestMain lets garbage lie a little longer: worlds are short, and many.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	m.Run()
}

// seeds returns how many worlds to live through.
func seeds(race, plain, all int) int {
	switch {
	case *long:
		return all
	case raceDetector || testing.Short():
		return race
	default:
		return plain
	}
}

// drawn is how many of n worlds are drawn: all where WEDATASYNC_TEST_DRAWS=full, as in CI,
// and else a tenth of them.
func drawn(n int) int {
	if os.Getenv("WEDATASYNC_TEST_DRAWS") == "full" {
		return n
	}
	return n / 10
}

// TestWorlds lets the real engine with the real client live in drawn worlds. Whatever
// the service tells, and whoever else uses it: no change of git takes effect twice, no
// commit that was lost is called applied, and nothing in doubt is hidden.
func TestWorlds(t *testing.T) {
	if *seed != 0 {
		w := liveThrough(t, draw(*seed), nil)
		t.Logf("%s\n%+v", w.trace(), w.stats)
		for _, b := range w.breaches {
			t.Errorf("%s: %s", b.kind, b.text)
		}
		return
	}
	r := liveAll(t, seeds(30, drawn(2000), 10000), draw, nil)
	r.report(t)
	if s := &r.stats; s.unknown < r.worlds || s.effects < 5*r.worlds || s.settled == 0 || s.said == 0 || s.approvals == 0 || s.ended == 0 || s.crashes == 0 {
		t.Errorf("too little has happened to prove anything: %+v", *s)
	}
}

// TestWorlds_Teeth puts refuted rules back: the same worlds have to tell.
func TestWorlds_Teeth(t *testing.T) {
	if *seed != 0 {
		t.Skip("one world alone")
	}
	for _, rule := range []struct {
		name  string
		judge judge
		kind  string
	}{
		{"what looks as before did not happen", hastyJudge, "doubled"},
		{"what is as wanted has happened", credulousJudge, "lost"},
	} {
		r := liveAll(t, seeds(150, 200, 500), draw, rule.judge)
		t.Log(rule.name, r.summary())
		if len(r.failed[rule.kind]) == 0 {
			t.Errorf("%s: nothing is %s in %d worlds", rule.name, rule.kind, r.worlds)
		}
	}
}

// TestWorlds_Settle says for each profile how many of the commits whose answer is lost
// are settled without an operator, where people leave the tasks alone and nothing has
// to be approved.
func TestWorlds_Settle(t *testing.T) {
	if *seed != 0 {
		t.Skip("one world alone")
	}
	settled, unknown := 0, 0 // where operations are told
	for _, name := range slices.Sorted(maps.Keys(wedatasim.Profiles())) {
		profile, err := wedatasim.ProfileOf(name)
		if err != nil {
			t.Fatal(err)
		}
		r := liveAll(t, seeds(4, 40, 400), func(seed uint64) *lot {
			l := draw(seed)
			l.behavior.Profile = profile
			l.behavior.Approvals = wedatasim.Approvals{}
			l.hands, l.platform, l.operator, l.hasty, l.denied = 0, 0, false, false, false
			return l
		}, nil)
		share := 100 * float64(r.stats.settled) / float64(r.stats.unknown)
		t.Logf("%-15s %5.1f %% of %d commits without an answer are settled without an operator; left: %v", name, share, r.stats.unknown, r.stats.left)
		// A time of update alone proves no rerun: the platform can move it, too.
		told := func(s *wedatasim.Shape) bool { return s.OperateID != wedatasim.Null }
		if told(&profile.Realtime) && told(&profile.Offline) {
			settled, unknown = settled+r.stats.settled, unknown+r.stats.unknown
		}
	}
	if share := 100 * float64(settled) / float64(unknown); share < 99 {
		t.Errorf("where operations are told only %.1f %% are settled", share)
	}
}

// TestWorlds_Deterministic holds a seed to be a world: it goes by in the same way again.
func TestWorlds_Deterministic(t *testing.T) {
	for s := range uint64(seeds(4, 20, 100)) {
		first, again := liveThrough(t, draw(s+1), nil).trace(), liveThrough(t, draw(s+1), nil).trace()
		if first != again {
			t.Errorf("seed %d goes by in two ways: %s", s+1, firstDifference(first, again))
		}
	}
}

// firstDifference shows where two traces part.
func firstDifference(a, b string) string {
	left, right := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range left {
		if i >= len(right) || left[i] != right[i] {
			from := max(0, i-3)
			return strings.Join(left[from:min(len(left), i+4)], "\n") + "\n--- and ---\n" + strings.Join(right[min(from, len(right)):min(len(right), i+4)], "\n")
		}
	}
	return "one is longer"
}

// liveThrough lets the world of a lot go by in a bubble of its own.
func liveThrough(t *testing.T, l *lot, rule judge) (w *world) {
	synctest.Test(t, func(t *testing.T) {
		w = newWorld(l)
		w.rule = rule
		w.live(t)
	})
	return w
}

// result is what many worlds have shown.
type result struct {
	worlds int
	stats  stats
	failed map[string][]uint64            // the seeds, by the kind of breach, in order
	causes map[string]map[string][]uint64 // and by what the daemon went by
}

// liveAll lets the worlds of the first seeds go by.
func liveAll(t *testing.T, worlds int, draw func(uint64) *lot, rule judge) *result {
	r := &result{worlds: worlds, failed: make(map[string][]uint64), causes: make(map[string]map[string][]uint64)}
	var mu sync.Mutex
	var next atomic.Uint64
	t.Run("", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for s := next.Add(1); s <= uint64(worlds); s = next.Add(1) {
					w := liveThrough(t, draw(s), rule)
					mu.Lock()
					r.stats.add(&w.stats)
					for _, b := range w.breaches {
						r.add(s, &b)
					}
					mu.Unlock()
				}
			})
		}
	})
	return r
}

// add notes that a seed has broken a promise.
func (r *result) add(seed uint64, b *breach) {
	insert := func(list []uint64) []uint64 {
		i, found := slices.BinarySearch(list, seed)
		if found {
			return list
		}
		return slices.Insert(list, i, seed)
	}
	r.failed[b.kind] = insert(r.failed[b.kind])
	if r.causes[b.kind] == nil {
		r.causes[b.kind] = make(map[string][]uint64)
	}
	r.causes[b.kind][b.cause] = insert(r.causes[b.kind][b.cause])
}

// summary says how many worlds have broken which promise.
func (r *result) summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d worlds: %+v", r.worlds, r.stats)
	for _, kind := range slices.Sorted(maps.Keys(r.failed)) {
		fmt.Fprintf(&b, "\n%s in %d worlds", kind, len(r.failed[kind]))
		for _, cause := range slices.Sorted(maps.Keys(r.causes[kind])) {
			list := r.causes[kind][cause]
			fmt.Fprintf(&b, "\n\t%s: %d worlds, seeds %v", cause, len(list), list[:min(8, len(list))])
		}
	}
	return b.String()
}

// report fails the test for broken promises, with one world of each kind in full.
func (r *result) report(t *testing.T) {
	t.Helper()
	t.Log(r.summary())
	for _, kind := range slices.Sorted(maps.Keys(r.failed)) {
		w := liveThrough(t, draw(r.failed[kind][0]), nil)
		t.Errorf("%s, as in seed %d (go test ./internal/worlds -run 'TestWorlds$' -seed %[2]d -v): %v\n%s", kind, w.lot.seed, w.breaches, w.trace())
	}
}
