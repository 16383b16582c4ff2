package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestChanges has a row for each rule of what counts as a change. Every row looks
// at the task a, unless it says what else.
func TestChanges(t *testing.T) {
	const v3 = "taskId: a, commitType: start, instanceVersion: 3"
	const v4 = "taskId: a, commitType: start, instanceVersion: 4"
	tests := []struct {
		name   string
		have   string                                                    // what was applied
		want   string                                                    // what the spec says; empty for no spec
		record func(have *state.Record, want *spec.Commit) *state.Record // makes the record what it is, if not nil
		after  time.Duration                                             // how long after noon it is
		plan   string                                                    // the change, or empty for none
		fields string                                                    // the names of what differs
	}{
		{name: "new", want: v3, plan: "a commit new", fields: "commitType instanceVersion"},
		{
			name: "new with everything",
			want: `taskId: a, commitType: start, instanceVersion: 3, taskType: offline, versionDesc: d, eventDesc: e, extConfig: {k: v}, rerun: x`,
			plan: "a commit new", fields: "commitType taskType instanceVersion versionDesc eventDesc extConfig.k rerun",
		},
		{name: "the same", have: v3, want: v3},
		{name: "version", have: v3, want: v4, plan: "a commit version", fields: "instanceVersion"},
		{name: "rollback", have: v4, want: v3, plan: "a commit rollback", fields: "instanceVersion"},
		{name: "first version", have: "taskId: a, commitType: start", want: v3, plan: "a commit version", fields: "instanceVersion"},
		{name: "start", have: "taskId: a, commitType: submit, instanceVersion: 3", want: v3, plan: "a commit start", fields: "commitType"},
		{
			name: "start by resuming", have: "taskId: a, commitType: 0, instanceVersion: 3", want: "taskId: a, commitType: 4, instanceVersion: 3",
			plan: "a commit start", fields: "commitType",
		},
		{name: "a running task that is now to be submitted", have: v3, want: "taskId: a, commitType: submit, instanceVersion: 3", plan: "a unversioned", fields: "commitType"},
		{
			name: "another way to the same place",
			have: "taskId: a, commitType: 2, instanceVersion: 3, discardState: 3", want: "taskId: a, commitType: 4, instanceVersion: 3",
			plan: "a unversioned", fields: "commitType",
		},
		{name: "a version and another commit type", have: v3, want: "taskId: a, commitType: submit, instanceVersion: 4", plan: "a commit version", fields: "commitType instanceVersion"},
		{name: "rerun", have: v3, want: v3 + ", rerun: again", plan: "a commit rerun", fields: "rerun"},
		{name: "another rerun", have: v3 + ", rerun: x", want: v3 + ", rerun: y", plan: "a commit rerun", fields: "rerun"},
		{name: "rerun taken away", have: v3 + ", rerun: x", want: v3},
		{name: "version before rerun", have: v3, want: v4 + ", rerun: again", plan: "a commit version", fields: "instanceVersion rerun"},
		{name: "content: commitType", have: "taskId: a, commitType: 1", want: "taskId: a, commitType: 3", plan: "a commit content", fields: "commitType"},
		{name: "content: taskType", have: "taskId: a, commitType: 1", want: "taskId: a, commitType: 1, taskType: 202", plan: "a commit content", fields: "taskType"},
		{name: "content: extConfig", have: "taskId: a, commitType: 1, extConfig: {k: v}", want: "taskId: a, commitType: 1, extConfig: {k: w}", plan: "a commit content", fields: "extConfig"},
		{name: "content: the default written out", have: "taskId: a, commitType: 1", want: "taskId: a, commitType: 1, taskType: realtime"},
		{name: "content: extConfig in another order", have: "taskId: a, commitType: 1, extConfig: {k: v, l: w}", want: "taskId: a, commitType: 1, extConfig: {l: w, k: v}"},
		{name: "content: a description alone", have: "taskId: a, commitType: 1, versionDesc: x", want: "taskId: a, commitType: 1, versionDesc: y", plan: "a unversioned", fields: "versionDesc"},
		{name: "the version taken away", have: v3, want: "taskId: a, commitType: start"},
		{name: "the version taken away, with other content", have: v3, want: "taskId: a, commitType: resume", plan: "a commit content", fields: "commitType"},
		{name: "versionDesc alone", have: v3, want: v3 + ", versionDesc: x", plan: "a unversioned", fields: "versionDesc"},
		{name: "eventDesc alone", have: v3 + ", eventDesc: x", want: v3, plan: "a unversioned", fields: "eventDesc"},
		{name: "extConfig alone", have: v3, want: v3 + ", extConfig: {k: v}", plan: "a unversioned", fields: "extConfig"},
		{name: "taskType alone", have: v3, want: v3 + ", taskType: offline", plan: "a unversioned", fields: "taskType"},
		{name: "taskType written out", have: v3, want: v3 + ", taskType: 201"},
		{name: "discardState for a version that was", have: v3, want: v3 + ", discardState: 3"},

		{name: "suspended by the spec", have: v3, want: v4 + ", suspend: true", plan: "a hold version held suspended", fields: "instanceVersion"},
		{name: "suspended by the spec, and nothing to do", have: v3, want: v3 + ", suspend: true"},
		{
			name: "suspended by a person", have: v3, want: v4, plan: "a hold version held suspended", fields: "instanceVersion",
			record: suspendedUntil(time.Time{}),
		},
		{
			name: "suspended until later", have: v3, want: v4, plan: "a hold version held suspended", fields: "instanceVersion",
			record: suspendedUntil(noon.Add(time.Hour)), after: time.Hour - 1,
		},
		{
			name: "suspended until now", have: v3, want: v4, plan: "a commit version", fields: "instanceVersion",
			record: suspendedUntil(noon.Add(time.Hour)), after: time.Hour,
		},
		{
			name: "suspended before there was a spec", want: v3, plan: "a hold new held suspended", fields: "commitType instanceVersion",
			record: func(_ *state.Record, want *spec.Commit) *state.Record {
				return &state.Record{Key: want.Key, Status: state.StatusNone, Suspended: &state.Suspension{Actor: "lin"}}
			},
		},
		{name: "refused", have: v3, want: v4, record: came(refusedParam), after: 100 * time.Hour, plan: "a hold version held refused", fields: "instanceVersion"},
		{
			name: "refused, and the spec has changed since", have: v3, want: v4 + ", eventDesc: x", plan: "a commit version", fields: "instanceVersion eventDesc",
			record: func(have *state.Record, want *spec.Commit) *state.Record {
				before := *want
				before.EventDesc = ""
				return ended(have, &before, noon, refusedParam)
			},
		},
		{name: "locked", have: v3, want: v4, record: came(lockedBy), after: 30*time.Second - 1, plan: "a hold version held locked", fields: "instanceVersion"},
		{name: "locked, and its back-off is over", have: v3, want: v4, record: came(lockedBy), after: 30 * time.Second, plan: "a commit version", fields: "instanceVersion"},
		{name: "waiting", have: v3, want: v4, record: came(inUse), after: 29 * time.Second, plan: "a hold version held waiting", fields: "instanceVersion"},
		{name: "waiting, and its back-off is over", have: v3, want: v4, record: came(inUse), after: 31 * time.Second, plan: "a commit version", fields: "instanceVersion"},
		{name: "throttled", have: v3, want: v4, record: came(throttled), plan: "a commit version", fields: "instanceVersion"},
		{name: "waiting for what is no longer requested", have: v3, want: v3, record: waitingFor(v4)},
		{name: "unknown", have: v3, want: v4, record: came(doubtful), after: 100 * time.Hour, plan: "a hold version held unknown", fields: "instanceVersion"},
		{name: "unknown, and the spec is back at what was", have: v3, want: v3, record: came(doubtful), plan: "a hold version held unknown"},
		{name: "unknown, and the spec is gone", have: v3, record: came(doubtful), plan: "a hold version held unknown"},
		{name: "an intent", have: v3, want: v4, record: came(state.Outcome{}), plan: "a hold version held unknown", fields: "instanceVersion"},
		{
			name: "accepted, and waiting for an approval", have: v3, want: v4, plan: "a follow",
			record: came(state.Outcome{Class: state.ClassApplied, TaskApproveID: "77"}),
		},

		{name: "forgotten", have: v3, plan: "a forget"},
		{name: "forgotten while it was refused", have: v3, record: came(refusedParam), plan: "a forget"},
		{name: "not forgotten while a person suspends it", have: v3, record: suspendedUntil(time.Time{})},
		{name: "forgotten when the suspension is over", have: v3, record: suspendedUntil(noon.Add(time.Hour)), after: time.Hour, plan: "a forget"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := Input{Specs: specs(t, present(tt.want)...), Records: adopted(t, present(tt.have)...)}
			if tt.record != nil {
				want := in.Specs.Get(task("a"))
				if want == nil {
					want = specs(t, v4).Get(task("a"))
				}
				in.Records.Put(tt.record(in.Records.Get(task("a")), want))
			}
			p := Diff(in, noon.Add(tt.after))
			if got := strings.Join(lines(p), "; "); got != tt.plan {
				t.Errorf("plan: %q, want %q", got, tt.plan)
			}
			if got := fieldNames(p); got != tt.fields {
				t.Errorf("fields: %q, want %q", got, tt.fields)
			}
			for i := range p.Changes {
				if c := &p.Changes[i]; tells(c) != (c.Action == ActionHold || c.Action == ActionFollow) {
					t.Errorf("a %s has the detail %q", c.Action, c.Detail)
				}
			}
			if want := p.Specs - len(p.Changes); tt.want != "" && p.Unchanged != want {
				t.Errorf("unchanged: %d, want %d", p.Unchanged, want)
			}
		})
	}
}

func present(commit string) []string {
	if commit == "" {
		return nil
	}
	return []string{commit}
}

func fieldNames(p *Plan) string {
	var names []string
	for i := range p.Changes {
		for _, f := range p.Changes[i].Fields {
			names = append(names, f.Name)
		}
	}
	return strings.Join(names, " ")
}

// came makes a record whose newest attempt, at noon, came to out.
func came(out state.Outcome) func(*state.Record, *spec.Commit) *state.Record {
	return func(have *state.Record, want *spec.Commit) *state.Record { return ended(have, want, noon, out) }
}

func suspendedUntil(until time.Time) func(*state.Record, *spec.Commit) *state.Record {
	return func(have *state.Record, _ *spec.Commit) *state.Record {
		next := *have
		next.Suspended = &state.Suspension{Reason: "maintenance", Actor: "lin", At: noon, Until: until}
		return &next
	}
}

func waitingFor(commit string) func(*state.Record, *spec.Commit) *state.Record {
	return func(have *state.Record, _ *spec.Commit) *state.Record {
		f := spec.Parse("tasks.yaml", []byte(document(commit)))
		return ended(have, f.Commits[0], noon, inUse)
	}
}

// TestHoldsByControl has what a person or an outage holds as a whole.
func TestHoldsByControl(t *testing.T) {
	pause := func(project string) state.Pause {
		return state.Pause{ProjectID: project, Code: "AuthFailure", Message: "who are you", Since: noon, Until: noon.Add(time.Minute)}
	}
	tests := []struct {
		name    string
		control state.Control
		after   time.Duration
		want    string
	}{
		{"nothing", state.Control{}, 0, "a commit version"},
		{"everything suspended", state.Control{Suspended: &state.Suspension{Actor: "lin"}}, 0, "a hold version held suspended"},
		{"everything suspended, and over", state.Control{Suspended: &state.Suspension{Until: noon}}, 0, "a commit version"},
		{"everything paused", state.Control{Pauses: []state.Pause{pause("")}}, 0, "a hold version held paused"},
		{"everything paused, and over", state.Control{Pauses: []state.Pause{pause("")}}, time.Minute, "a commit version"},
		{"its project paused", state.Control{Pauses: []state.Pause{pause("9"), pause(project)}}, 0, "a hold version held paused"},
		{"another project paused", state.Control{Pauses: []state.Pause{pause("9")}}, 0, "a commit version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := Diff(Input{
				Specs:   specs(t, "taskId: a, commitType: 1, instanceVersion: 2"),
				Records: adopted(t, "taskId: a, commitType: 1, instanceVersion: 1"),
				Control: &tt.control,
			}, noon.Add(tt.after))
			if got := strings.Join(lines(p), "; "); got != tt.want {
				t.Errorf("plan: %q, want %q", got, tt.want)
			}
		})
	}
}

// TestAbsence has what keeps a task whose spec is not to be found: what is not read
// may name it, and what is broken does.
func TestAbsence(t *testing.T) {
	const a, b = "taskId: a, commitType: 1, instanceVersion: 1", "taskId: b, commitType: 1, instanceVersion: 1"
	tests := []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"all there", map[string]string{"x.yaml": document(a, b)}, []string{}},
		{"one gone", map[string]string{"x.yaml": document(a)}, []string{"b forget"}},
		{"all gone", map[string]string{}, []string{"a forget", "b forget"}},
		{"one gone, and a file that is not read", map[string]string{"x.yaml": document(a), "y.yaml": "\t{"}, []string{}},
		{"one broken", map[string]string{"x.yaml": document(a, "taskId: b, commitType: 9, instanceVersion: 1")}, []string{}},
		{"one named twice", map[string]string{"x.yaml": document(a, b), "y.yaml": document(b)}, []string{}},
		{"one in a circle", map[string]string{"x.yaml": document(a+", dependsOn: [b]", b+", dependsOn: [a]")}, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := spec.NewSet()
			for name, text := range tt.files {
				set.Put(spec.Parse(name, []byte(text)))
			}
			p := Diff(Input{Specs: set, Records: adopted(t, a, b)}, noon)
			if got := lines(p); !slices.Equal(got, tt.want) {
				t.Errorf("plan:%s\nwant:%s", quoteAll(got), quoteAll(tt.want))
			}
		})
	}
}

// TestDependencies has tasks that wait for others: c on b on a, unless it says so.
func TestDependencies(t *testing.T) {
	v := func(id string, version int, on string) string {
		return fmt.Sprintf("taskId: %s, commitType: 1, instanceVersion: %d, dependsOn: [%s]", id, version, on)
	}
	chain := []string{v("a", 2, ""), v("b", 2, "a"), v("c", 2, "b")}
	hold := func(out state.Outcome) func(*testing.T, *Input) {
		return func(t *testing.T, in *Input) {
			in.Records.Put(ended(in.Records.Get(task("a")), in.Specs.Get(task("a")), noon, out))
		}
	}
	tests := []struct {
		name string
		have []string
		want []string
		edit func(*testing.T, *Input)
		plan []string
	}{
		{
			name: "calls of one plan are only ordered",
			have: []string{v("a", 1, ""), v("b", 1, ""), v("c", 1, "")}, want: chain,
			plan: []string{"a commit version", "b commit version", "c commit version"},
		},
		{
			name: "done already", have: []string{v("a", 2, ""), v("b", 1, ""), v("c", 2, "")}, want: chain,
			plan: []string{"b commit version"},
		},
		{
			name: "held", have: []string{v("a", 1, ""), v("b", 1, ""), v("c", 1, "")}, want: chain, edit: hold(lockedBy),
			plan: []string{"a hold version held locked", "b hold version held dependency", "c hold version held dependency"},
		},
		{
			name: "unknown", have: []string{v("a", 1, ""), v("b", 1, ""), v("c", 1, "")}, want: chain, edit: hold(doubtful),
			plan: []string{"a hold version held unknown", "b hold version held dependency", "c hold version held dependency"},
		},
		{
			name: "what is in between is done", have: []string{v("a", 1, ""), v("b", 2, "a"), v("c", 1, "")}, want: chain, edit: hold(lockedBy),
			plan: []string{"a hold version held locked", "c commit version"},
		},
		{
			name: "refused", have: []string{v("b", 1, "")}, want: chain[:2],
			edit: func(t *testing.T, in *Input) {
				in.Records.Put(ended(nil, in.Specs.Get(task("a")), noon, refusedParam))
			},
			plan: []string{"a hold new held refused", "b hold version held dependency"},
		},
		{
			name: "suspended by its spec", have: []string{v("b", 1, "")}, want: []string{v("a", 2, "") + ", suspend: true", v("b", 2, "a")},
			plan: []string{"a hold new held suspended", "b hold version held dependency"},
		},
		{
			name: "changed without a version", have: []string{v("a", 1, ""), v("b", 1, "")},
			want: []string{v("a", 1, "") + ", versionDesc: x", v("b", 2, "a")},
			plan: []string{"a unversioned", "b commit version"},
		},
		{
			name: "its spec is broken", have: []string{v("a", 1, ""), v("b", 1, "")}, want: []string{v("b", 2, "")},
			edit: func(t *testing.T, in *Input) {
				in.Specs.Put(spec.Parse("tasks.yaml", []byte(document(v("b", 2, "a"), "taskId: a, commitType: 9"))))
			},
			plan: []string{"b hold version held dependency"},
		},
		{
			name: "it may be in a file that is not read", have: []string{v("b", 1, "")}, want: []string{v("b", 2, "")},
			edit: func(t *testing.T, in *Input) {
				in.Specs.Put(spec.Parse("other.yaml", []byte("\t{")))
				in.Specs.Put(spec.Parse("tasks.yaml", []byte(document(v("b", 2, "a")))))
			},
			plan: []string{"b hold version held dependency"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := Input{Specs: specs(t, tt.want...), Records: adopted(t, independent(tt.have)...)}
			if tt.edit != nil {
				tt.edit(t, &in)
			}
			p := Diff(in, noon)
			if diff := cmp.Diff(tt.plan, lines(p)); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

// independent takes the dependencies out: what was applied has none.
func independent(commits []string) []string {
	var out []string
	for _, c := range commits {
		text, _, _ := strings.Cut(c, ", dependsOn")
		out = append(out, text)
	}
	return out
}

// TestLongChain keeps a chain as long as the specs from being a problem.
func TestLongChain(t *testing.T) {
	t.Parallel()
	const n = 5_000
	set := spec.NewSet()
	for i := range n {
		commit := fmt.Sprintf("taskId: t%06d, commitType: 1, instanceVersion: 1", i)
		if i > 0 {
			commit += fmt.Sprintf(", dependsOn: [t%06d]", i-1)
		}
		set.Put(spec.Parse(fmt.Sprintf("%d.yaml", i), []byte(document(commit))))
	}
	control := state.Control{}
	if p := Diff(Input{Specs: set, Control: &control}, noon); p.Count(ActionCommit) != n {
		t.Errorf("%d calls, want %d", p.Count(ActionCommit), n)
	}
}

// TestExtConfigFields compares extConfig name by name where the specs before are
// known, and gives nothing away where they are not.
func TestExtConfigFields(t *testing.T) {
	const before = "taskId: a, commitType: 1, instanceVersion: 1, extConfig: {same: s, changed: x, gone: g}"
	const after = "taskId: a, commitType: 1, instanceVersion: 2, extConfig: {same: s, changed: y, added: n}"
	in := Input{Specs: specs(t, after), Records: adopted(t, before)}

	got := Diff(in, noon).Changes[0].Fields
	want := []Field{
		{Name: "instanceVersion", Before: int64(1), After: int64(2)},
		{Name: "extConfig", Before: "other values", After: "3 values", Secret: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("against the state (-want +got):\n%s", diff)
	}

	in.Base = specs(t, before)
	got = Diff(in, noon).Changes[0].Fields
	want = []Field{
		{Name: "instanceVersion", Before: int64(1), After: int64(2)},
		{Name: "extConfig.changed", Before: "x", After: "y", Secret: true},
		{Name: "extConfig.added", After: "n", Secret: true},
		{Name: "extConfig.gone", Before: "g", Secret: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("against a revision (-want +got):\n%s", diff)
	}
}

// TestScope looks at the tasks it is told to, each once, and at no others.
func TestScope(t *testing.T) {
	in := Input{
		Specs:   specs(t, "taskId: a, commitType: 1", "taskId: b, commitType: 1", "taskId: c, commitType: 1"),
		Records: adopted(t, "taskId: d, commitType: 1", "taskId: e, commitType: 1"),
		Keys:    []spec.Key{task("d"), task("b"), task("a"), task("b"), task("nowhere")},
	}
	p := Diff(in, noon)
	if got, want := lines(p), []string{"a commit new", "b commit new", "d forget"}; !slices.Equal(got, want) {
		t.Errorf("plan:%s\nwant:%s", quoteAll(got), quoteAll(want))
	}
	if p.Specs != 3 || p.Managed != 2 || p.Unchanged != 1 {
		t.Errorf("specs %d, managed %d, unchanged %d; want 3, 2, 1", p.Specs, p.Managed, p.Unchanged)
	}
}

// TestDiff_Many: the plan of many tasks is that of each.
func TestDiff_Many(t *testing.T) {
	in := manyTasks(3*changesTogether + 1)
	for n := range 100 {
		changed := *in.Specs.Get(task(fmt.Sprintf("t%06d", n*31)))
		changed.InstanceVersion++
		in.Specs.Put(&spec.File{Name: fmt.Sprintf("%d.yaml", n*31), Commits: []*spec.Commit{&changed}})
		gone := spec.Commit{Key: task(fmt.Sprintf("s%06d", n)), CommitType: spec.Start, InstanceVersion: 1}
		in.Records.Put(Adopt(nil, &gone, "", noon).Record)
	}
	all := Diff(in, noon)
	in.Keys = slices.Collect(in.Records.Keys())
	if one := Diff(in, noon); bytesOf(t, one) != bytesOf(t, all) {
		t.Error("the plan of all tasks is not the plan of each")
	}
	if calls, forgotten := all.Count(ActionCommit), all.Count(ActionForget); calls != 100 || forgotten != 100 {
		t.Errorf("%d calls and %d tasks to forget, want 100 of each", calls, forgotten)
	}
}
