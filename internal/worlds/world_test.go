package worlds_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// interval is between two passes of the daemon.
const interval = time.Minute

// world is a daemon with all that it meets. It has its time from the bubble that it
// lives in, and all its chances from its seed: the same seed is the same world.
type world struct {
	lot   *lot
	rule  judge // that was refuted, and is put back; nil is none
	sim   *wedatasim.Server
	begin time.Time
	poke  chan struct{}

	mu      sync.Mutex
	daemon  *daemon
	records map[spec.Key]*state.Record
	control state.Control
	words   []state.Command
	said    int64 // words so far
	ids     int   // of attempts so far

	specs  *spec.Set
	pushed []*spec.File
	edits  int                         // so far
	epoch  map[spec.Key]int            // the edit that a task's spec comes from
	epochs map[string]map[spec.Key]int // epoch, by revision

	intents  []*intent // in order of time
	saves    map[spec.Key]int
	asked    map[string]bool
	breaches []breach

	noting sync.Mutex
	lines  []string
	stats  stats
}

// stats count what a world has shown.
type stats struct {
	intents, effects   int
	unknown            int // commits whose answer was lost
	settled, said      int // of them: by the daemon itself, and by an operator
	misled             int // effects of what an operator said had not happened
	approvals, crashes int
	ended              int            // approvals that have ended without effect, and are seen to
	left               map[string]int // of those that are open in the end: why, in the daemon's words
}

func (s *stats) add(o *stats) {
	s.intents += o.intents
	s.effects += o.effects
	s.unknown += o.unknown
	s.settled += o.settled
	s.said += o.said
	s.misled += o.misled
	s.approvals += o.approvals
	s.ended += o.ended
	s.crashes += o.crashes
	for why, n := range o.left {
		s.leave(why, n)
	}
}

// leave counts commits that are open in the end.
func (s *stats) leave(why string, n int) {
	if s.left == nil {
		s.left = make(map[string]int)
	}
	s.left[why] += n
}

// breach is a broken promise.
type breach struct {
	kind  string
	cause string // what the daemon went by, and what was so
	text  string
}

// newWorld makes the world of a lot. It is for within a bubble.
func newWorld(l *lot) *world {
	w := &world{
		lot: l, begin: time.Now(), poke: make(chan struct{}, 1),
		sim:     wedatasim.New(wedatasim.Options{Seed: l.seed, Behavior: l.behavior, Limit: -1}),
		records: make(map[spec.Key]*state.Record), specs: spec.NewSet(),
		epoch: make(map[spec.Key]int), epochs: make(map[string]map[spec.Key]int), asked: make(map[string]bool), saves: make(map[spec.Key]int),
	}
	w.note("%s", l)
	return w
}

// live lets the world go by, and judges it.
func (w *world) live(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), lifeFor)
	defer cancel()
	defer w.sim.Close()
	w.script()
	time.Sleep(w.lot.behavior.ReadLag) // no read shows that the tasks were not there
	for life := 0; ctx.Err() == nil; life++ {
		d, err := w.start(ctx)
		if err != nil {
			t.Fatal(err)
		}
		d.live()
		if d.dead() {
			w.stats.crashes++
			time.Sleep(time.Second + time.Duration(w.moment("downtime")%uint64(4*time.Minute)))
		}
	}
	w.judge()
}

// script orders what happens, and when.
func (w *world) script() {
	r := rand.New(rand.NewPCG(w.lot.seed, 11))
	deny := func() {
		if w.lot.denied {
			w.sim.Inject(wedatasim.Fault{Action: "DescribeIntegrationTask", Code: "UnauthorizedOperation", Message: "no"})
		}
	}
	w.after(calmFor, func() {
		for _, f := range w.lot.faults {
			w.sim.Inject(f)
		}
		deny()
	})
	w.after(lossFor, func() {
		w.sim.Clear()
		deny()
	})
	for _, wish := range w.lot.wishes(r) {
		w.sim.Edit(project, wish.task, func(t *wedatasim.Task) {
			if wish.offline {
				t.TaskType = int64(spec.Offline)
			}
		})
		w.edit(*wish)
		for at := calmFor; ; {
			atOnce := r.IntN(10) < 3
			if atOnce {
				at += time.Second + time.Duration(r.Int64N(int64(9*time.Second)))
			} else {
				at += time.Duration(r.Int64N(int64(12 * time.Minute)))
			}
			if at > editFor {
				break
			}
			wish.change(r, atOnce)
			next := *wish
			w.after(at, func() { w.edit(next) })
			w.orderActs(r, &next, at)
		}
	}
	if w.lot.operator {
		w.after(calmFor, w.listen)
	}
}

// after runs f at a time of the world.
func (w *world) after(at time.Duration, f func()) { time.AfterFunc(at, f) }

// edit pushes a change of one task's spec.
func (w *world) edit(next wish) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.edits++
	w.epoch[next.key()] = w.edits
	w.pushed = append(w.pushed, parse(&next))
	text := next.text()
	w.note("edit %d of %s", w.edits, strings.TrimSpace(text[strings.Index(text, "{taskId"):]))
	w.wake()
}

// wake makes the daemon look at what is new.
func (w *world) wake() {
	select {
	case w.poke <- struct{}{}:
	default:
	}
}

// orderActs orders what people in the console and the platform do after an edit.
func (w *world) orderActs(r *rand.Rand, want *wish, at time.Duration) {
	soon := func() time.Duration { return at + time.Duration(r.Int64N(int64(3*time.Minute))) }
	act := func(at time.Duration, a wedatasim.Act) {
		w.after(at, func() {
			_, err := w.sim.Act(project, want.task, a)
			w.note("act %s %s version %d by %q: %v", want.task, a.Do, a.InstanceVersion, a.Operator, err)
		})
	}
	if r.Float64() < w.lot.hands {
		deeds := []wedatasim.Act{
			{Do: wedatasim.DeedStart},
			{Do: wedatasim.DeedStop},
			{Do: wedatasim.DeedPause},
			{Do: wedatasim.DeedRollback},
			{Do: wedatasim.DeedAgain},
			{Do: wedatasim.DeedCommit},
			{Do: wedatasim.DeedCommit, InstanceVersion: int64(want.version)},
		}
		a := deeds[r.IntN(len(deeds))]
		a.Operator = hand
		act(soon(), a)
	}
	if r.Float64() < w.lot.platform {
		first := soon()
		switch r.IntN(3) {
		case 0:
			act(first, wedatasim.Act{Do: wedatasim.DeedRestart})
		case 1:
			act(first, wedatasim.Act{Do: wedatasim.DeedFail})
		default:
			act(first, wedatasim.Act{Do: wedatasim.DeedFail})
			act(first+20*time.Second, wedatasim.Act{Do: wedatasim.DeedRestart})
		}
	}
}

// listen has an operator answer what the daemon asks, truthfully, once for each commit,
// and try again what was refused.
func (w *world) listen() {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.after(47*time.Second, w.listen)
	for _, key := range slices.SortedFunc(maps.Keys(w.records), spec.Key.Compare) {
		rec := w.records[key]
		if rec.Attempt == nil || w.asked[rec.Attempt.ID] {
			continue
		}
		in := w.intentOf(rec.Attempt.ID)
		switch {
		case in == nil && rec.Status == state.StatusRefused: // withheld because of what is live
			w.decide(rec)
		case in == nil:
		case (rec.Status == state.StatusUnknown || rec.Accepted()) && rec.Attempt.NeedsOperator != "":
			w.resolve(in)
		case rec.Status == state.StatusRefused,
			rec.Status == state.StatusApplied && w.fateOf(in) == fateNever:
			w.say(in, state.VerbRetry, "")
		}
	}
}

// resolve says what became of a commit, once that is certain. w.mu is held.
func (w *world) resolve(in *intent) {
	switch w.fateOf(in) {
	case fateApplied:
		w.say(in, state.VerbResolve, "applied")
	case fateNever:
		w.say(in, state.VerbResolve, "not-applied")
	}
}

// decide has what was withheld sent, unless what git asks for has happened. w.mu is held.
func (w *world) decide(rec *state.Record) {
	in := &intent{key: rec.Key, id: rec.Attempt.ID, epoch: w.epochs[rec.Attempt.Wanted.Revision][rec.Key]}
	if w.byAnotherRequest(in) {
		w.say(in, state.VerbResolve, "applied")
	} else {
		w.say(in, state.VerbRetry, "")
	}
}

// say posts an operator's word. w.mu is held.
func (w *world) say(in *intent, verb state.Verb, arg string) {
	w.asked[in.id] = true
	w.said++
	w.words = append(w.words, state.Command{ID: w.said, At: time.Now(), Actor: "lin", Verb: verb, Target: in.key.String(), Arg: arg})
	w.note("the operator says %s %s %s", verb, in.key.TaskID, arg)
	w.wake()
}

// beHasty has an operator say that a commit did not happen when nothing shows yet. It
// is held until the request can no longer arrive, or else is wrong.
func (w *world) beHasty(in *intent) {
	time.AfterFunc(2*time.Second+time.Microsecond, func() { // after what the daemon does then
		w.mu.Lock()
		defer w.mu.Unlock()
		rec := w.records[in.key]
		if rec == nil || rec.Attempt == nil || rec.Attempt.ID != in.id || rec.Status != state.StatusUnknown || w.asked[in.id] {
			return
		}
		if fate := w.fateOf(in); fate == fateLate || fate == fateNever {
			w.say(in, state.VerbResolve, "not-applied")
		}
	})
}

// moment is a number that depends on the seed and on the time.
func (w *world) moment(what string) uint64 {
	return w.chance(what, spec.Key{}, int(time.Since(w.begin)))
}

// chance is a number that depends on the seed and on what it is for, alone.
func (w *world) chance(what string, key spec.Key, n int) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s %s %d", w.lot.seed, what, key.TaskID, n)
	return h.Sum64() * 0x9e3779b97f4a7c15 >> 3
}

// note adds a line to the trace.
func (w *world) note(format string, args ...any) {
	w.noting.Lock()
	defer w.noting.Unlock()
	w.lines = append(w.lines, fmt.Sprintf("%9.3f ", time.Since(w.begin).Seconds())+fmt.Sprintf(format, args...))
}

// breach notes a broken promise. w.mu is held.
func (w *world) breach(kind, cause, format string, args ...any) {
	b := breach{kind, cause, fmt.Sprintf(format, args...)}
	if slices.Contains(w.breaches, b) {
		return
	}
	w.breaches = append(w.breaches, b)
	w.note("BREACH %s: %s (%s)", kind, b.text, cause)
}

// trace is what happened, in order of time.
func (w *world) trace() string {
	lines := slices.Clone(w.lines)
	for i, e := range w.sim.Ledger() {
		at := e.At.Add(-w.lot.behavior.Skew).Sub(w.begin).Seconds()
		line := fmt.Sprintf("%9.3f request %d: %s %s", at, i+1, strings.TrimSuffix(e.Action, "IntegrationTask"), e.TaskID)
		if e.Action == "CommitIntegrationTask" {
			line += fmt.Sprintf(" type %d version %d", e.CommitType, e.InstanceVersion)
		}
		if e.Fault > 0 && e.Fault <= len(w.lot.faults) {
			f := w.lot.faults[e.Fault-1]
			line += fmt.Sprintf(", fault {%s %s %s}", f.Effect, f.Code, f.Answer)
		}
		if e.Code != "" {
			line += ", " + e.Code
		}
		if e.ApproveID != "" {
			line += fmt.Sprintf(", approval %s %s", e.ApproveID, e.Approval)
		}
		if e.Applied {
			line += fmt.Sprintf(", took effect at %.3f", e.AppliedAt.Add(-w.lot.behavior.Skew).Sub(w.begin).Seconds())
		}
		lines = append(lines, line)
	}
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(a[:9], b[:9]) })
	return strings.Join(lines, "\n")
}
