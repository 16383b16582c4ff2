package reconcile

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/internal/fixture"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// story is a repository as people use it, on days when nothing goes wrong: edits on
// branches, merges, reverts; with a task locked now and then, and daemons that come
// and go.
type story struct {
	r        *rand.Rand
	w        *world
	files    map[string]string   // as they are on the main branch
	branches []map[string]string // not merged yet
	past     []map[string]string // what main was
}

var storyFiles = []string{"x.yaml", "y.yaml", "z.yaml"}

func newStory(seed uint64) *story {
	s := &story{r: rand.New(rand.NewPCG(seed, 0xf1de)), w: newWorld(seed), files: map[string]string{}}
	for range 2 {
		s.change(s.files)
	}
	s.push()
	return s
}

// change edits one file, of which the tasks are its own.
func (s *story) change(files map[string]string) {
	i := s.r.IntN(len(storyFiles))
	var commits []string
	for n := range s.r.IntN(3) {
		kind, version := s.r.IntN(5), 1+s.r.IntN(3)
		text := fmt.Sprintf("taskId: %c%d, commitType: %d", 'x'+i, n, kind)
		if s.r.IntN(4) > 0 || kind == 2 {
			text += fmt.Sprintf(", instanceVersion: %d", version)
		}
		if kind == 2 {
			text += fmt.Sprintf(", discardState: %d", version)
		}
		if s.r.IntN(4) == 0 {
			text += fmt.Sprintf(", versionDesc: d%d", s.r.IntN(3))
		}
		if s.r.IntN(6) == 0 {
			text += fmt.Sprintf(", rerun: r%d", s.r.IntN(3))
		}
		if n > 0 && s.r.IntN(3) == 0 {
			text += fmt.Sprintf(", dependsOn: [%c0]", 'x'+i)
		}
		commits = append(commits, text)
	}
	files[storyFiles[i]] = document(commits...)
}

// push makes main what files say.
func (s *story) push() {
	s.w.edit("always.yaml", document("taskId: always, commitType: start, instanceVersion: 1")) // an empty source is held
	for _, name := range storyFiles {
		s.w.edit(name, s.files[name])
	}
	s.past = append(s.past, clone(s.files))
}

func clone(files map[string]string) map[string]string {
	next := map[string]string{}
	for _, name := range storyFiles {
		next[name] = files[name]
	}
	return next
}

// move makes one move of a person.
func (s *story) move() {
	switch s.r.IntN(6) {
	case 0: // a branch
		branch := clone(s.files)
		s.change(branch)
		s.branches = append(s.branches, branch)
	case 1: // a merge: the file that the branch changed is main's now
		if len(s.branches) > 0 {
			branch := s.branches[0]
			s.branches = s.branches[1:]
			name := storyFiles[s.r.IntN(len(storyFiles))]
			s.files[name] = branch[name]
		}
	case 2: // a revert
		s.files = clone(s.past[s.r.IntN(len(s.past))])
	case 3: // someone opens a task
		key := task(fmt.Sprintf("%c%d", 'x'+s.r.IntN(3), s.r.IntN(2)))
		s.w.weData.lock(key, time.Now(), time.Now().Add(time.Duration(s.r.IntN(90))*time.Second))
	default:
		s.change(s.files)
	}
	s.push()
}

// pass makes a pass by a daemon of its own, or by one that keeps running, and looks
// that it does what its plan says, and no more.
func (s *story) pass(t testing.TB, p *process) {
	t.Helper()
	before := s.w.passesMade()
	if p != nil {
		p.poke <- struct{}{}
		// What a commit of seconds before can hide is read until reads cannot be that old.
		for wait := 0; wait < 15 && s.w.passesMade() == before; wait++ {
			elapse(5 * time.Second)
		}
	} else if _, err := s.w.once(t); err != nil {
		t.Errorf("seed %d: Once: %v", s.w.seed, err)
	}
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if len(s.w.passes) == before {
		t.Errorf("seed %d: no pass was made", s.w.seed)
	}
	for _, r := range s.w.passes[before:] {
		if n := r.leaves(); n > 0 && len(r.Left.Holds) == 0 && !r.Superseded && r == s.w.passes[len(s.w.passes)-1] {
			t.Errorf("seed %d: after the pass there is left:%s", s.w.seed, quoteAll(lines(r.Left)))
		}
	}
}

// leaves counts what a pass has left to do that it could have done. What waited for a
// dependency that the pass has read to be live is for the next one.
func (r *Result) leaves() int {
	held := map[spec.Key]bool{}
	for i := range r.Plan.Changes {
		held[r.Plan.Changes[i].Key] = r.Plan.Changes[i].Hold == plan.HoldDependency
	}
	n := r.Left.Count(plan.ActionForget)
	for c := range r.Left.Calls() {
		if !held[c.Key] {
			n++
		}
	}
	return n
}

// faithful notes a breach unless the calls of a pass are those of its plan, each made
// once, or not at all where something came between. w.mu is held.
func (w *world) faithful(r *Result) {
	called := map[spec.Key]int{}
	maps.Copy(called, w.called)
	// A call can wait for another one that was not applied, and what is live just before
	// it can argue against it.
	waits := map[spec.Key]bool{}
	for i := range r.Left.Changes {
		hold := r.Left.Changes[i].Hold
		waits[r.Left.Changes[i].Key] = hold == plan.HoldDependency || hold == plan.HoldAlreadyLive || hold == plan.HoldNewerLive
	}
	for c := range r.Plan.Calls() {
		// A pass that a newer revision overtook leaves calls to the next one.
		left := called[c.Key] == 0 && (waits[c.Key] || r.Superseded)
		if called[c.Key] != 1 && !left {
			w.breach("%s was called %d times, and is once in the plan", c.Key, called[c.Key])
		}
		delete(called, c.Key)
	}
	for key := range called {
		w.breach("%s was called, and is not in the plan", key)
	}
}

func (s *story) play(t testing.TB) {
	s.w.onPass = s.w.faithful
	for range 1 + s.r.IntN(3) {
		var p *process
		if s.r.IntN(4) == 0 {
			p = s.w.run(t)
			elapse(5 * time.Second)
		}
		for range 1 + s.r.IntN(3) {
			s.move()
			s.pass(t, p)
			elapse(time.Duration(s.r.IntN(60)) * time.Second)
		}
		if p != nil {
			p.stop()
			<-p.done
		}
	}
	s.w.check(t)
}

// TestPlanFidelity: over many histories of edits, merges, reverts, locks and restarts
// the calls that are made are exactly those of the plan that was shown, and a plan
// right after a finished pass is empty.
func TestPlanFidelity(t *testing.T) {
	n := seeds(1_000, fixture.Drawn(3_000), 100_000)
	var mu sync.Mutex
	var commits, passes int
	t.Run("seeds", func(t *testing.T) {
		workers := runtime.GOMAXPROCS(0)
		for worker := range workers {
			t.Run(fmt.Sprint(worker), func(t *testing.T) {
				t.Parallel()
				for seed := worker; seed < n && !t.Failed(); seed += workers {
					synctest.Test(t, func(t *testing.T) {
						s := newStory(uint64(seed))
						s.play(t)
						mu.Lock()
						commits, passes = commits+len(s.w.weData.applied), passes+len(s.w.passes)
						mu.Unlock()
					})
				}
			})
		}
	})
	t.Logf("%d histories, %d passes, %d commits", n, passes, commits)
}
