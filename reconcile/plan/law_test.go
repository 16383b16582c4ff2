package plan

import (
	"encoding/json"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// drawRun draws how the start of an applied task has gone.
func drawRun(t *rapid.T, a *state.Applied) {
	status := rapid.SampledFrom([]state.RunStatus{"", state.RunStarting, state.RunRunning, state.RunFailed, state.RunLate}).Draw(t, "run")
	if status != "" && a.CommitType.Runs() {
		a.Wait = 60
		a.Run = startOf(a, noon.Add(-time.Minute))
		a.Run.Status = status
	}
}

// drawDrift draws what is remembered of changes by others.
func drawDrift(t *rapid.T, a *state.Applied) {
	d := state.Drifted{}
	switch rapid.IntRange(0, 5).Draw(t, "drift") {
	case 0:
		over := *a
		over.InstanceVersion = rapid.Int64Range(0, 3).Draw(t, "over")
		d.Over = &over
	case 1, 2:
		kind := rapid.SampledFrom([]state.DriftKind{state.DriftNewer, state.DriftOlder, state.DriftStopped}).Draw(t, "kind")
		d.Undo = &state.Drift{Kind: kind, Fields: []state.DriftField{{Name: "instanceVersion", Applied: "3", Live: "5"}}, OperatedAt: "1", Since: noon}
	}
	for range rapid.IntRange(0, 3).Draw(t, "heals") {
		d.Heals = append(d.Heals, state.Heal{
			At:         noon.Add(-time.Duration(rapid.IntRange(0, 30).Draw(t, "hours")) * time.Hour),
			OperatedAt: rapid.SampledFrom([]string{"0", "1"}).Draw(t, "operated"),
		})
	}
	a.Drift = orNoDrift(d)
}

func drawRecords(t *rapid.T) *state.Records {
	records := state.NewRecords()
	for c := range drawSpecs(t).All() {
		rec := &state.Record{Key: c.Key, Status: state.StatusNone}
		if rapid.IntRange(0, 3).Draw(t, "applied") > 0 {
			rec = Adopt(nil, c, "r0", noon.Add(-time.Hour)).Record
			drawRun(t, rec.Applied)
			drawDrift(t, rec.Applied)
		}
		if rapid.IntRange(0, 2).Draw(t, "attempted") == 0 {
			tried := *c
			tried.InstanceVersion++
			rec = ended(rec, &tried, noon.Add(-time.Duration(rapid.IntRange(0, 90).Draw(t, "ago"))*time.Second), drawOutcome(t))
		}
		rec.Suspended = drawSuspension(t)
		if rec.Status == state.StatusNone && rec.Suspended == nil {
			continue
		}
		if !IsOpen(rec.Status) && rec.Status != state.StatusNone && rapid.IntRange(0, 3).Draw(t, "removed") == 0 {
			rec = Removed(rec, "r1", noon.Add(-time.Minute))
		}
		records.Put(rec)
	}
	return records
}

func drawInput(t *rapid.T) Input {
	control := state.Control{Suspended: drawSuspension(t)}
	if rapid.IntRange(0, 4).Draw(t, "paused") == 0 {
		control.Pauses = []state.Pause{{ProjectID: rapid.SampledFrom([]string{"", project, "9"}).Draw(t, "project"), Until: noon.Add(time.Minute)}}
	}
	policy := rapid.SampledFrom(DriftPolicies()).Draw(t, "policy")
	return Input{Specs: drawSpecs(t), Records: drawRecords(t), Control: &control, Policy: policy}
}

// bytesOf is all that a plan says.
func bytesOf(t interface{ Fatal(...any) }, p *Plan) string {
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// apply makes the state what it is when the plan has been carried out.
func apply(p *Plan, records *state.Records) *state.Records {
	next := state.NewRecords()
	for _, keys := range []iter.Seq[spec.Key]{records.Keys(), records.Removed()} {
		for key := range keys {
			next.Put(records.Get(key))
		}
	}
	for i := range p.Changes {
		switch c := &p.Changes[i]; c.Action {
		case ActionCommit:
			next.Put(ended(c.Have, c.Want, noon, state.Outcome{Class: state.ClassApplied}))
		case ActionForget:
			next.Delete(c.Key)
			if gone := Removed(c.Have, "r2", noon); gone != nil {
				next.Put(gone)
			}
		case ActionReturn:
			next.Put(Returned(c.Have, c.Want))
		}
	}
	return next
}

// TestLawApplied: a plan that was applied leaves no calls, no removals and no returns.
func TestLawApplied(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		before := Diff(in, noon)
		in.Records = apply(before, in.Records)
		after := Diff(in, noon)
		for i := range after.Changes {
			c := &after.Changes[i]
			// What waited for a call that has been made is free now.
			freed := c.Action == ActionCommit && slices.ContainsFunc(before.Changes, func(b Change) bool { return b.Key == c.Key && b.Hold == HoldDependency })
			if (c.Action == ActionCommit || c.Action == ActionForget || c.Action == ActionReturn) && !freed {
				t.Fatalf("left: %s", line(c))
			}
		}
	})
}

// TestLawOrder: the order of the input never changes a byte of the output.
func TestLawOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		want := bytesOf(t, Diff(in, noon))
		files := map[string]*spec.File{}
		shuffled := spec.NewSet()
		for c := range in.Specs.All() {
			f := files[c.TaskID]
			if f == nil {
				f = &spec.File{Name: c.Pos.File + c.TaskID}
				files[c.TaskID] = f
			}
			f.Commits = append(f.Commits, c)
		}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		names := slices.Sorted(maps.Keys(files))
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, name := range names {
			shuffled.Put(files[name])
		}
		in.Keys = nil
		for _, id := range taskIDs {
			in.Keys = append(in.Keys, task(id))
		}
		r.Shuffle(len(in.Keys), func(i, j int) { in.Keys[i], in.Keys[j] = in.Keys[j], in.Keys[i] })
		if got := bytesOf(t, Diff(in, noon)); got != want {
			t.Fatalf("keys in another order:\n%s\nwant:\n%s", got, want)
		}
		if len(in.Specs.Problems()) > 0 {
			return
		}
		in.Specs = shuffled
		if got := bytesOf(t, Diff(in, noon)); got != want {
			t.Fatalf("specs in another order:\n%s\nwant:\n%s", got, want)
		}
	})
}

// TestLawAbsence: to take specs away never makes a call that was not made before.
func TestLawAbsence(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		with := Diff(in, noon)
		in.Specs.Remove(rapid.SampledFrom(fileNames).Draw(t, "gone"))
		for c := range Diff(in, noon).Calls() {
			// A task that was named twice, or that waited, is not absent now but clear.
			if in.Specs.Get(c.Key) == nil {
				t.Fatalf("a call without a spec: %s", line(c))
			}
		}
		in.Specs = spec.NewSet()
		if p := Diff(in, noon); p.Count(ActionCommit) > 0 {
			t.Fatalf("calls without specs:%s\nwith:%s", quoteAll(lines(p)), quoteAll(lines(with)))
		}
	})
}

// TestLawDescription: a description never makes a call, nor unmakes one.
func TestLawDescription(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		for _, rec := range recordsIn(in.Records) {
			if rec.Status == state.StatusRefused {
				in.Records.Delete(rec.Key) // to change any field of a refused commit is to ask again
			}
		}
		before := callKeys(Diff(in, noon))
		described := spec.NewSet()
		f := &spec.File{Name: "described.yaml"}
		for c := range in.Specs.All() {
			d := *c
			d.VersionDesc, d.EventDesc = rapid.String().Draw(t, "versionDesc"), rapid.String().Draw(t, "eventDesc")
			f.Commits = append(f.Commits, &d)
		}
		described.Put(f)
		if described.Len() != in.Specs.Len() {
			t.Skip("a dependency was not usable")
		}
		in.Specs = described
		if after := callKeys(Diff(in, noon)); !slices.Equal(before, after) {
			t.Fatalf("calls %v, want %v", after, before)
		}
	})
}

// tells reports whether the change says why it is held, followed or healed: by its detail,
// or by the record that has it.
func tells(c *Change) bool {
	switch {
	case c.Action != ActionHold && c.Action != ActionFollow:
		return c.Detail != ""
	case c.Detail != "":
		return true
	default:
		return c.Have != nil && (c.Have.Attempt != nil || c.Have.Suspended != nil || c.Have.Applied != nil)
	}
}

// TestLawHolds: what needs a call is in the plan once, either among the calls or held with
// a reason that the change tells; and what needs none is not. What is followed tells why,
// too, and of the calls one that undoes drift.
func TestLawHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		p := Diff(in, noon)
		listed := map[spec.Key]*Change{}
		for i := range p.Changes {
			c := &p.Changes[i]
			if listed[c.Key] != nil {
				t.Fatalf("%s is listed twice", c.Key)
			}
			listed[c.Key] = c
			held := c.Action == ActionHold
			said := held || c.Action == ActionFollow || c.Action == ActionCommit && c.Reason == ReasonDrift
			if held != (c.Hold != "") || said != tells(c) {
				t.Fatalf("%s has hold %q and detail %q", line(c), c.Hold, c.Detail)
			}
			if slices.Contains(callKeys(p), c.Key) != (c.Action == ActionCommit) {
				t.Fatalf("%s, and the calls are %v", line(c), callKeys(p))
			}
		}
		for want := range in.Specs.All() {
			var applied *state.Applied
			have, c := in.Records.Get(want.Key), listed[want.Key]
			if have != nil {
				applied = have.Applied
			}
			needed := in.Policy.asks(want, applied) != "" || have != nil && IsOpen(have.Status)
			if shown := c != nil && (c.Action == ActionCommit || c.Action == ActionHold); needed != shown {
				t.Fatalf("%s is needed: %v, and called or held: %v", want.Key, needed, shown)
			}
		}
	})
}

// TestLawHash: plans that do the same have the same hash, and only those.
func TestLawHash(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		one, two := Diff(drawInput(t), noon), Diff(drawInput(t), noon)
		if rapid.Bool().Draw(t, "same calls") {
			two = calledAlike(t, one)
		}
		same := slices.Equal(requests(one), requests(two))
		if (one.Hash == two.Hash) != same {
			t.Fatalf("same calls: %v\n%s%s\n%s%s", same, one.Hash, quoteAll(lines(one)), two.Hash, quoteAll(lines(two)))
		}
	})
}

// calledAlike returns a plan of another state and other specs with p's calls, and none of
// its removals and returns.
func calledAlike(t *rapid.T, p *Plan) *Plan {
	in := Input{Specs: spec.NewSet()}
	f := &spec.File{Name: "other.yaml"}
	for c := range p.Calls() {
		want := *c.Want
		want.DependsOn, want.Pos = nil, spec.Pos{File: "other.yaml", Line: 1}
		f.Commits = append(f.Commits, &want)
	}
	in.Specs.Put(f)
	return Diff(in, noon.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "later"))*time.Second))
}

func requests(p *Plan) []spec.Digest {
	var all []spec.Digest
	for c := range p.effects() {
		d := c.Key.Digest()
		if c.Action == ActionCommit {
			d = c.Want.Request()
		}
		d[0] = c.Action[0]
		all = append(all, d)
	}
	return all
}
