package notify_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// TestRelease_Large: of a release of 2,000 tasks, each refusal is told within 10 s, also
// where every answer has words of its own, and one summary comes at the end, within the
// limits of each chat and with nothing dropped.
func TestRelease_Large(t *testing.T) {
	for _, own := range []bool{false, true} {
		chats(t, func(t *testing.T, f *fakeChat) {
			told := map[string]time.Duration{}
			at := map[string]time.Time{}
			f.heard = func(text string) {
				for id, began := range at {
					if _, known := told[id]; !known && strings.Contains(text, id) {
						told[id] = time.Since(began)
					}
				}
			}
			n := f.start(t)
			var changes []*plan.Change
			for i := range 2000 {
				changes = append(changes, want(fmt.Sprintf("kb947c997-4f91-4a1f-913d-%012d", i), 3))
			}
			n.Planned(planOf(changes...))
			var left []*plan.Change
			for i, c := range changes {
				time.Sleep(time.Second / 75)
				out := applied
				if i%50 == 7 {
					out = refused("no such field")
					if own {
						out = refused("no such field in " + c.Key.TaskID)
					}
					left = append(left, held(c.Key.TaskID, 3, plan.HoldRefused, out, ""))
					f.mu.Lock()
					at[c.Key.TaskID] = time.Now()
					f.mu.Unlock()
				}
				n.Called(c, nil, out)
			}
			n.Passed(&reconcile.Result{Plan: planOf(), Left: planOf(left...)})
			pass(time.Hour)
			if len(at) != 40 || len(told) != 40 {
				t.Fatalf("%d of %d refusals were told", len(told), len(at))
			}
			for id, took := range told {
				if took > 10*time.Second {
					t.Errorf("%s was told after %v", id, took)
				}
			}
			all := strings.Join(f.texts, "\n")
			if f.kind == notify.Webhook {
				if got := strings.Count(all, `"type":"release.done"`); got != 1 {
					t.Errorf("%d summaries", got)
				}
				return
			}
			if got := strings.Count(all, "40 refused (1/"); got != 1 || strings.Count(all, "1960 applied (1/") != 1 {
				t.Errorf("%d summaries:\n%s", got, all)
			}
			if len(f.texts) > 12 {
				t.Errorf("%d messages", len(f.texts))
			}
			if s := n.Stats()[0]; s.Dropped != 0 || s.Failed != 0 || s.Queued != 0 {
				t.Errorf("stats = %+v", s)
			}
		})
	}
}

// TestRelease_Burst: forty refusals at once, with names of the length that WeData gives,
// are told within 10 s.
func TestRelease_Burst(t *testing.T) {
	chats(t, func(t *testing.T, f *fakeChat) {
		n := f.start(t)
		for i := range 40 {
			c := want(fmt.Sprintf("kb947c997-4f91-4a1f-913d-%012d", i), 3)
			c.Want.Name = "orders of the warehouse to the lake"
			n.Called(c, nil, refused(fmt.Sprint("no such field ", i)))
		}
		pass(10 * time.Second)
		all := strings.Join(f.lines(), "\n")
		for i := range 40 {
			if !strings.Contains(all, fmt.Sprintf("913d-%012d", i)) {
				t.Errorf("task %d was not told of within 10 s", i)
			}
		}
	})
}

// TestRelease_Overtaken sums up what was sent for a revision when another one comes.
func TestRelease_Overtaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeChat{kind: notify.Slack}
		n := f.start(t)
		c := want("orders", 3)
		n.Planned(planOf(c))
		n.Called(c, nil, applied)
		n.Passed(&reconcile.Result{Plan: planOf(), Left: planOf(want("users", 2)), Superseded: true})
		next := planOf(want("users", 2))
		next.Source.Revision = strings.Repeat("b", 40)
		n.Planned(next)
		n.Called(want("users", 2), nil, state.Outcome{Class: state.ClassWaiting, Code: "ResourceInUse"})
		n.Passed(&reconcile.Result{Plan: next, Left: next})
		pass(time.Minute)
		want := "wedatasync: Release 4837b3f5c870 by Ada ‹ada@example.com›: 1 applied (1/orders version 3), overtaken by bbbbbbbbbbbb."
		if len(f.lines()) == 0 || f.lines()[0] != strings.NewReplacer("‹", "&lt;", "›", "&gt;").Replace(want) {
			t.Errorf("told %q", f.lines())
		}
	})
}

// TestHeld says how many changes a held plan has, which, and how to approve it with all of
// its hash.
func TestHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeChat{kind: notify.WeCom}
		n := f.start(t, func(s *notify.Settings) { s.Link = "https://status.example.com/" })
		p := planOf(held("a", 3, plan.HoldGuard, state.Outcome{}, ""), held("b", 3, plan.HoldGuard, state.Outcome{}, ""))
		p.Hash = "sha256:" + strings.Repeat("e", 64)
		for i := range p.Changes {
			p.Changes[i].Detail = "2 commits, and guards.maxChanges is 1"
		}
		p.Holds = []plan.GuardHold{{Guard: "maxChanges", Message: p.Changes[0].Detail, Approvable: true}}
		n.Passed(&reconcile.Result{Plan: p, Left: p})
		pass(time.Minute)
		want := "wedatasync: Release 4837b3f5c870 by Ada ‹ada@example.com› held, maxChanges: 2 commits, and guards.maxChanges is 1; 2 changes (1/a version 3, 1/b version 3). " +
			"Next step: read it with wedatasync plan, and let it pass with: wedatasync approve " + p.Hash
		if got := f.lines(); len(got) != 2 || got[0] != want || got[1] != "https://status.example.com/" {
			t.Errorf("told\n%q\nwant\n%q", got, want)
		}
	})
}
