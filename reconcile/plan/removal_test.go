package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// repository is spec files as a history of edits leaves them, and what a daemon has done.
type repository struct {
	files   map[string]string // text of each commit by file; one commit a file
	hidden  string            // the prefix of files that an ignore line takes out of sight
	records *state.Records
	calls   []string // "task version discard rerun", of each call
}

// specs returns what is in sight.
func (r *repository) specs() *spec.Set {
	s := spec.NewSet()
	for name, text := range r.files {
		if r.hidden == "" || !strings.HasPrefix(name, r.hidden) {
			s.Put(spec.Parse(name, []byte(document(text))))
		}
	}
	return s
}

// pass plans for the newest revision, and carries the plan out.
func (r *repository) pass(t *rapid.T) *Plan {
	in := Input{Specs: r.specs(), Records: r.records}
	p := Diff(in, noon)
	if again := bytesOf(t, Diff(in, noon)); again != bytesOf(t, p) {
		t.Fatalf("the same input has two plans")
	}
	for c := range p.Calls() {
		discards := ""
		if c.Want.CommitType == spec.RestartDiscardState {
			discards = "discards"
		}
		r.calls = append(r.calls, fmt.Sprintf("%s %d %s %s %s", c.Key.TaskID, c.Want.InstanceVersion, discards, c.Want.Rerun, c.Reason))
	}
	r.records = apply(p, r.records)
	return p
}

// drawText draws a commit of a task at one version, as its owners leave it for good.
func drawText(t *rapid.T, id string) string {
	v := rapid.IntRange(1, 3).Draw(t, "version")
	text := fmt.Sprintf("taskId: %s, instanceVersion: %d", id, v)
	if rapid.Bool().Draw(t, "discards") {
		text += fmt.Sprintf(", commitType: restart-discard-state, discardState: %d", v)
	} else {
		text += ", commitType: " + rapid.SampledFrom([]string{"submit", "start", "resume"}).Draw(t, "type")
	}
	return text + rapid.SampledFrom([]string{"", ", rerun: one", ", rerun: two"}).Draw(t, "rerun")
}

// out takes a spec out of sight, in one of the ways in which that happens, and returns
// what brings it back: another task may be named meanwhile.
func (r *repository) out(t *rapid.T) (back func()) {
	names := slices.Sorted(maps.Keys(r.files))
	name := rapid.SampledFrom(names).Draw(t, "file")
	text := r.files[name]
	switch rapid.IntRange(0, 4).Draw(t, "way") {
	case 0: // removed, and the removal is reverted
		delete(r.files, name)
		return func() { r.files[name] = text }
	case 1: // renamed in two steps
		delete(r.files, name)
		return func() { r.files["moved/"+strings.TrimPrefix(name, "moved/")] = text }
	case 2: // an ignore line that takes too much
		r.hidden = name[:1]
		return func() { r.hidden = "" }
	case 3: // an id that is mistyped, and mended
		r.files[name] = strings.Replace(text, "taskId: ", "taskId: typo-", 1)
		return func() { r.files[name] = text }
	default: // everything is gone for a while
		all := maps.Clone(r.files)
		clear(r.files)
		return func() { maps.Copy(r.files, all) }
	}
}

// TestLawReturn: coming back makes no call. Whatever takes specs out of sight for some
// revisions, a task of which nothing else is asked afterwards is not called again; and it
// is shown once that it is managed again.
func TestLawReturn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := &repository{files: map[string]string{}, records: state.NewRecords()}
		for _, id := range taskIDs {
			r.files[id+".yaml"] = drawText(t, id)
		}
		r.pass(t)
		for range rapid.IntRange(1, 4).Draw(t, "accidents") {
			back := r.out(t)
			for range rapid.IntRange(0, 2).Draw(t, "revisions meanwhile") {
				r.pass(t)
			}
			gone := slices.Collect(r.records.Removed())
			back()
			p := r.pass(t)
			for _, key := range gone {
				if c := changeOf(p, key); p.Specs > 0 && (c == nil || c.Action != ActionReturn) && !strings.HasPrefix(key.TaskID, "typo-") {
					t.Fatalf("%s is back, and the plan has %+v", key, c)
				}
			}
			if again := r.pass(t); again.Count(ActionReturn)+again.Count(ActionCommit)+again.Count(ActionForget) > 0 {
				t.Fatalf("left:%s", quoteAll(lines(again)))
			}
		}
		for _, call := range r.calls[len(taskIDs):] {
			if !strings.HasPrefix(call, "typo-") {
				t.Fatalf("coming back made a call: %s", call)
			}
		}
	})
}

func changeOf(p *Plan, key spec.Key) *Change {
	i := slices.IndexFunc(p.Changes, func(c Change) bool { return c.Key == key })
	if i < 0 {
		return nil
	}
	return &p.Changes[i]
}

// TestLawOnceInALife: an acknowledgement of lost state, and a rerun token, count once in
// the life of a task, whatever becomes of its spec in between.
func TestLawOnceInALife(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := &repository{files: map[string]string{}, records: state.NewRecords()}
		for range rapid.IntRange(2, 20).Draw(t, "revisions") {
			id := rapid.SampledFrom(taskIDs[:2]).Draw(t, "task")
			if name := id + ".yaml"; rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
				delete(r.files, name)
			} else {
				r.files[name] = drawText(t, id)
			}
			r.pass(t)
		}
		once := map[string]bool{}
		for _, call := range r.calls {
			f := strings.Split(call, " ")
			var used []string
			if f[2] != "" {
				used = append(used, f[0]+" discards at "+f[1])
			}
			if f[4] == string(ReasonRerun) {
				used = append(used, f[0]+" reruns for "+f[3])
			}
			for _, u := range used {
				if once[u] {
					t.Fatalf("%s a second time:%s", u, quoteAll(r.calls))
				}
				once[u] = true
			}
		}
	})
}

// TestSpent_Bounded keeps the newest of what was spent.
func TestSpent_Bounded(t *testing.T) {
	var a *state.Applied
	for v := range int64(keptSpent + 5) {
		next := &state.Applied{CommitType: spec.RestartDiscardState, InstanceVersion: v + 1, Rerun: fmt.Sprint(v)}
		CarrySpent(next, a)
		a = next
	}
	if len(a.Spent.Discards) != keptSpent || len(a.Spent.Reruns) != keptSpent || a.Spent.Discards[keptSpent-1] != keptSpent+4 {
		t.Errorf("%d acknowledgements, %d tokens, the newest %d", len(a.Spent.Discards), len(a.Spent.Reruns), a.Spent.Discards[keptSpent-1])
	}
	if !spentRerun(a, "5") || spentRerun(a, "0") {
		t.Error("not the newest are kept")
	}
}

// drawEffects makes a plan that does a few things to a few tasks, so that some do the
// same.
func drawEffects(r *rand.Rand) *Plan {
	p := new(Plan)
	for _, id := range []string{"a", "b", "ab"} {
		c := Change{Key: task(id)}
		switch r.IntN(7) {
		case 0, 1:
			c.Action = ActionForget
		case 2:
			c.Action = ActionReturn
		case 3, 4:
			c.Action = ActionCommit
			c.Want = &spec.Commit{Key: c.Key, CommitType: spec.CommitType(r.IntN(3)), InstanceVersion: r.Int64N(3), VersionDesc: []string{"", "v"}[r.IntN(2)]}
		case 5:
			c.Action = ActionUnversioned // which does nothing
		default:
			continue
		}
		p.Changes = append(p.Changes, c)
	}
	return p
}

// does says what a plan does, apart from how the hash says it.
func does(p *Plan) string {
	var b strings.Builder
	for i := range p.Changes {
		c := &p.Changes[i]
		switch c.Action {
		case ActionForget, ActionReturn:
			fmt.Fprintf(&b, "%s %s\n", c.Action, c.Key)
		case ActionCommit:
			fmt.Fprintf(&b, "%s %s %d %d %q\n", c.Action, c.Key, c.Want.CommitType, c.Want.InstanceVersion, c.Want.VersionDesc)
		}
	}
	return b.String()
}

// TestHash_Pairs: of 100,000 drawn pairs of plans, those that do the same have one hash,
// and no others do.
func TestHash_Pairs(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	same, differ := 0, 0
	for same+differ < 100_000 {
		one, two := drawEffects(r), drawEffects(r)
		alike := does(one) == does(two)
		if (hashOf(one) == hashOf(two)) != alike {
			t.Fatalf("the hashes are alike: %v\n%s---\n%s", !alike, does(one), does(two))
		}
		if alike {
			same++
		} else {
			differ++
		}
	}
	if same < 100 || differ < 90_000 {
		t.Errorf("%d pairs do the same and %d do not: the draw says little", same, differ)
	}
}

// TestHash_SharedDigits makes two plans whose hashes begin alike, as an attacker would for
// more digits: what was approved of the one does not let the other pass.
func TestHash_SharedDigits(t *testing.T) {
	t.Parallel()
	const digits = 4 // of a hash that is shortened to what can be searched
	plan := func(commitType, nonce string) *Plan {
		return Diff(Input{
			Specs:   specs(t, "taskId: a, instanceVersion: 2, versionDesc: "+nonce+", "+commitType, "taskId: b, commitType: start, instanceVersion: 2"),
			Records: adopted(t, "taskId: a, commitType: start, instanceVersion: 1", "taskId: b, commitType: start, instanceVersion: 1"),
		}, noon)
	}
	harmless := map[string]*Plan{}
	for n := range 2000 {
		p := plan("commitType: resume", nonce(n))
		harmless[p.Hash[:len(HashPrefix)+digits]] = p
	}
	var good, bad *Plan
	for n := 0; good == nil; n++ {
		bad = plan("commitType: restart-discard-state, discardState: 2", nonce(n))
		good = harmless[bad.Hash[:len(HashPrefix)+digits]]
	}
	guards := &Guards{MaxChanges: 1}
	held := guards.Check(good, Facts{}, noon)
	in := &Commands{Plan: guards.Check(bad, Facts{}, noon)}
	short := bad.Hash[:len(HashPrefix)+digits]
	for _, said := range []string{short, good.Hash} {
		if _, answer := in.approve(state.Command{Target: said}, noon); answer.OK {
			t.Errorf("%s is believed for %s", said, bad.Hash)
		}
	}
	in.Plan = held
	approved, answer := in.approve(state.Command{Target: good.Hash, Actor: "lin"}, noon)
	if !answer.OK {
		t.Fatal(answer.Message)
	}
	// Even were the stored hash the same, it is what the plan does that counts.
	approved.Control.Approvals[0].PlanHash, bad.Hash, good.Hash = short, short, short
	for p, want := range map[*Plan]int{good: 0, bad: 1} {
		if got := guards.Check(p, Facts{Control: approved.Control}, noon.Add(time.Minute)); len(got.Holds) != want {
			t.Errorf("held by %d guards, want %d: %s", len(got.Holds), want, lines(got))
		}
	}
}

func nonce(n int) string {
	d := sha256.Sum256(fmt.Append(nil, n))
	return "n" + hex.EncodeToString(d[:4])
}
