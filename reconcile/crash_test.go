package reconcile

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/internal/fixture"
	"github.com/wedatasync/wedatasync/state"
)

// schedule is a short and bad time in a small world, drawn from a seed: edits of the
// specs, faults of everything, and deaths of the daemon at any step.
type schedule struct {
	seed   uint64
	r      *rand.Rand
	w      *world
	tasks  int
	desire map[string]string // the spec of each task
	bad    time.Duration     // how long faults go on
	kills  map[int]fault     // deaths, by the number of the step
	often  uint64            // one step in how many goes wrong

	readable bool // reading is never denied
}

func newSchedule(seed uint64) *schedule {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	s := &schedule{
		seed: seed, r: r, w: newWorld(seed),
		tasks: 1 + r.IntN(4), desire: map[string]string{},
		bad:   time.Duration(5+r.IntN(40)) * time.Second,
		kills: map[int]fault{}, often: []uint64{3, 6, 12, 40, 1000}[r.IntN(5)],
	}
	for range 1 + r.IntN(3) {
		s.kills[r.IntN(60)] = killBefore + fault(r.IntN(2))
	}
	s.w.horizon = time.Minute
	s.w.fault = s.fault
	for i := range s.tasks {
		s.desire[string(rune('a'+i))] = s.commit(i, 1)
	}
	s.write()
	return s
}

// commit draws a spec of the task.
func (s *schedule) commit(i, version int) string {
	id := string(rune('a' + i))
	kind := s.r.IntN(5)
	text := fmt.Sprintf("taskId: %s, commitType: %d, instanceVersion: %d", id, kind, version)
	if kind == 2 {
		text += fmt.Sprintf(", discardState: %d", version)
	}
	if kind > 0 && s.r.IntN(3) == 0 {
		text += ", wait: {status: running, timeout: 30s}"
	}
	if i > 0 && s.r.IntN(4) == 0 {
		text += ", dependsOn: [a]"
	}
	return text
}

// write puts the desired specs in the repository, a file for each task.
func (s *schedule) write() {
	for i := range s.tasks {
		id := string(rune('a' + i))
		s.w.edit(id+".yaml", document(s.desire[id]))
	}
}

// edit changes a task's spec: to a newer version, back to an older one, or to none
// that is usable for a while.
func (s *schedule) edit() {
	i := s.r.IntN(s.tasks)
	id := string(rune('a' + i))
	if s.r.IntN(5) == 0 {
		s.w.edit(id+".yaml", []string{"", "\t{", document("taskId: " + id + ", commitType: 9")}[s.r.IntN(3)])
		return
	}
	s.desire[id] = s.commit(i, 1+s.r.IntN(3))
	s.w.edit(id+".yaml", document(s.desire[id]))
}

// faults that can befall a step, by the first word of its kind.
var faultsOf = map[string][]fault{
	"save":   {full, full, busy, brokenBefore, brokenAfter},
	"dial":   {notSent},
	"commit": {notSent, lostBefore, lostBefore, lostAfter, lostAfter, lateApply, lateApply, slowAnswer, throttle, throttle, refuse, inUseNow, badAuth, noAuth, errorBefore, errorAfter, needsApproval},
	"read":   {readFails, readFails, throttle, readDenied, readNotSent, readBadAuth, slowRead, slowFail},
	"poll":   {pollFails},
}

func (s *schedule) fault(st step) fault {
	if f, ok := s.kills[st.seq]; ok {
		return f
	}
	if st.at > s.bad || s.w.chance("fault "+st.kind, st.key, st.n)%s.often != 0 {
		return sound
	}
	kind, _, _ := strings.Cut(st.kind, " ")
	faults := faultsOf[kind]
	f := faults[s.w.chance("which "+st.kind, st.key, st.n)%uint64(len(faults))]
	if f == readDenied && s.readable {
		return readFails
	}
	return f
}

// play lives through the schedule, and then lets the daemon come to rest.
func (s *schedule) play(t *testing.T) {
	s.live(t)
	s.w.setFault(nil)
	s.write()
	s.w.rest(t)
}

// live starts the daemon again and again while things are bad.
func (s *schedule) live(t *testing.T) {
	for time.Since(s.w.start) < s.bad {
		p := s.w.run(t)
		synctest.Wait() // what is drawn next must not depend on who comes first
		for p.alive() && time.Since(s.w.start) < s.bad {
			select {
			case <-p.done:
			case <-time.After(time.Duration(s.r.IntN(8000)) * time.Millisecond):
				switch s.r.IntN(4) {
				case 0:
					s.speak()
				case 1, 2:
					s.edit()
					select {
					case p.poke <- struct{}{}:
					default:
					}
				}
			}
			synctest.Wait()
		}
		elapse(time.Millisecond) // not at the moment of the last edit
		p.stop()
		<-p.done
		if p.err != nil && !p.isKilled() && !errors.Is(p.err, state.ErrBroken) && !passes(p.err) {
			t.Errorf("seed %d: Run: %v", s.seed, p.err)
		}
		elapse(time.Duration(s.r.IntN(3000)) * time.Millisecond)
	}
}

// speak says what people say when things are bad, or about to be.
func (s *schedule) speak() {
	verb := []state.Verb{state.VerbSuspend, state.VerbSuspend, state.VerbUnsuspend, state.VerbRetry}[s.r.IntN(4)]
	target := ""
	if s.r.IntN(3) > 0 {
		target = string(rune('a' + s.r.IntN(s.tasks)))
	}
	s.w.say(verb, target, "maintenance")
}

func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// playAll plays the schedules of n seeds on all processors.
func playAll(t *testing.T, n int) (lives, commits int) {
	var mu sync.Mutex
	t.Run("seeds", func(t *testing.T) {
		workers := runtime.GOMAXPROCS(0)
		for worker := range workers {
			t.Run(fmt.Sprint(worker), func(t *testing.T) {
				t.Parallel()
				for seed := worker; seed < n && !t.Failed(); seed += workers {
					synctest.Test(t, func(t *testing.T) {
						s := newSchedule(uint64(seed))
						s.play(t)
						mu.Lock()
						lives, commits = lives+s.w.lives, commits+len(s.w.weData.applied)
						mu.Unlock()
					})
				}
			})
		}
	})
	return lives, commits
}

// TestP01_Crashes kills the daemon at any step under schedules that mix all faults.
// By WeData's own ledger no commit is doubled, none is lost, and nothing that is in
// doubt is hidden; and when the faults are over three passes bring every task to
// where its spec says.
func TestP01_Crashes(t *testing.T) {
	n := seeds(1_500, fixture.Drawn(4_000), 100_000)
	lives, commits := playAll(t, n)
	t.Logf("%d schedules, %d lives, %d commits", n, lives, commits)
}

// TestP11_SameSeed plays schedules twice: the trace is the same to the byte. Where
// reading is denied, a read-back takes no time, and can be at the same moment as the
// intent of another task: the order of these two is the scheduler's.
func TestP11_SameSeed(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds(100, 200, 1000)) {
		var traces [2]string
		for i := range traces {
			synctest.Test(t, func(t *testing.T) {
				s := newSchedule(seed)
				s.w.tracing = true
				s.readable = true
				s.play(t)
				traces[i] = s.w.sortedTrace()
			})
		}
		if traces[0] != traces[1] {
			t.Fatalf("seed %d: two traces:\n%s", seed, firstDifference(traces[0], traces[1]))
		}
	}
}
