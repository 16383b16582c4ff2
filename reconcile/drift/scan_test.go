package drift

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// library answers the reads of a survey, and keeps what was asked.
type library struct {
	lists map[string][][]string // pages of task ids, by project and type
	alone map[string]bool       // tasks that no list has
	fails map[string][]error    // what an ask comes to first, one after the other

	mu    sync.Mutex
	asked []string
	times []time.Time
}

func (l *library) ask(text string) error {
	l.asked, l.times = append(l.asked, text), append(l.times, time.Now())
	if left := l.fails[text]; len(left) > 0 {
		l.fails[text] = left[1:]
		return left[0]
	}
	return nil
}

func (l *library) Page(ctx context.Context, q Query, number int, gate pace.Gate) (Page, error) {
	if err := gate(ctx); err != nil {
		return Page{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	list := fmt.Sprintf("%s %s", q.ProjectID, q.TaskType.OrDefault())
	if len(q.TaskIDs) > 0 {
		if err := l.ask(fmt.Sprintf("list %s of %s", list, strings.Join(q.TaskIDs, " "))); err != nil {
			return Page{}, err
		}
		p := Page{Last: true}
		for _, id := range slices.Concat(l.lists[list]...) {
			if slices.Contains(q.TaskIDs, id) {
				p.Tasks = append(p.Tasks, LiveTask{Key: spec.Key{ProjectID: q.ProjectID, TaskID: id}, TaskType: q.TaskType.OrDefault()})
			}
		}
		return p, nil
	}
	if err := l.ask(fmt.Sprintf("list %s %d", list, number)); err != nil {
		return Page{}, err
	}
	pages := l.lists[list]
	if number > len(pages) {
		return Page{Last: true}, nil
	}
	p := Page{Last: number == len(pages)}
	for _, id := range pages[number-1] {
		p.Tasks = append(p.Tasks, LiveTask{Key: spec.Key{ProjectID: q.ProjectID, TaskID: id}, TaskType: q.TaskType.OrDefault()})
	}
	return p, nil
}

func (l *library) Describe(ctx context.Context, key spec.Key, t spec.TaskType, gate pace.Gate) (*LiveTask, error) {
	if err := gate(ctx); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.ask("look " + key.String()); err != nil {
		return nil, err
	}
	if !l.alone[key.String()] {
		return nil, plan.ErrTaskGone
	}
	return &LiveTask{Key: key, TaskType: t, NotSubmitted: true}, nil
}

// badRead is an error of a read: the class of its answer.
type badRead state.Class

func (e badRead) Error() string           { return string(e) }
func (e badRead) Answered() state.Outcome { return state.Outcome{Class: state.Class(e)} }

func TestScanner(t *testing.T) {
	managed := func(keys ...string) (tasks []Target) {
		for _, k := range keys {
			project, task, _ := strings.Cut(k, "/")
			w := Target{Key: spec.Key{ProjectID: project, TaskID: task}, Managed: task != "wanted"}
			if strings.HasPrefix(task, "off") {
				w.TaskType = spec.Offline
			}
			tasks = append(tasks, w)
		}
		return tasks
	}
	tests := []struct {
		name  string
		tasks []Target
		fails map[string][]error
		want  string // a task is listed, alone, gone or why it could not be read
		asked string
	}{
		{
			name: "page by page, and what no list has by itself", tasks: managed("1/a", "1/c", "1/alone", "1/gone", "1/wanted", "1/off", "2/b"),
			want:  "1/a listed, 1/alone alone, 1/c listed, 1/gone gone, 1/off listed, 2/b listed",
			asked: "list 1 realtime 1, list 1 realtime 2, list 1 offline 1, list 2 realtime 1, look 1/alone, look 1/gone",
		},
		{
			name: "a page over the rate is asked for again", tasks: managed("1/a"),
			fails: map[string][]error{"list 1 realtime 2": {plan.ErrReadThrottled, badRead(state.ClassUnknown)}},
			want:  "1/a listed", asked: "list 1 realtime 1, list 1 realtime 2, list 1 realtime 2, list 1 realtime 2",
		},
		{
			name: "a list that goes on failing fails its tasks alone", tasks: managed("1/c", "2/b"),
			fails: map[string][]error{"list 1 realtime 1": {badRead(state.ClassNotSent), badRead(state.ClassNotSent), badRead(state.ClassNotSent), badRead(state.ClassNotSent)}},
			want:  "1/c not-sent, 2/b listed", asked: "list 1 realtime 1, list 1 realtime 1, list 1 realtime 1, list 1 realtime 1, list 2 realtime 1",
		},
		{
			name: "what was read before it failed counts", tasks: managed("1/a", "1/c"),
			fails: map[string][]error{"list 1 realtime 2": {badRead(state.ClassRefused)}},
			want:  "1/a listed, 1/c refused", asked: "list 1 realtime 1, list 1 realtime 2",
		},
		{
			name: "what is denied is not asked for again", tasks: managed("1/a"),
			fails: map[string][]error{"list 1 realtime 1": {plan.ErrReadDenied}},
			want:  "1/a denied", asked: "list 1 realtime 1",
		},
		{
			name: "one task that cannot be read", tasks: managed("1/alone", "1/gone"),
			fails: map[string][]error{"look 1/alone": {badRead(state.ClassAuth)}},
			want:  "1/alone auth, 1/gone gone", asked: "list 1 realtime 1, list 1 realtime 2, look 1/alone, look 1/gone",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &library{
					lists: map[string][][]string{"1 realtime": {{"a", "b"}, {"c"}}, "1 offline": {{"off"}}, "2 realtime": {{"a", "b"}}},
					alone: map[string]bool{"1/alone": true}, fails: tt.fails,
				}
				s := Scanner{Lister: l, Describer: l, Lists: pace.New(20), Describes: pace.New(20)}
				found, err := s.Scan(t.Context(), tt.tasks)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, w := range Targets(recordsOf(tt.tasks)) {
					seen, failed := found.Seen[w.Key], found.Failed[w.Key]
					word := "not looked for"
					switch {
					case errors.Is(failed, plan.ErrReadDenied):
						word = "denied"
					case failed != nil:
						bad, _ := errors.AsType[badRead](failed)
						word = bad.Error()
					case seen != nil && seen.Live.Missing:
						word = "gone"
					case seen != nil && seen.NotSubmitted:
						word = "alone"
					case seen != nil:
						word = "listed"
					}
					got = append(got, w.Key.String()+" "+word)
				}
				if diff := cmp.Diff(tt.want, strings.Join(got, ", ")); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				if diff := cmp.Diff(tt.asked, strings.Join(l.asked, ", ")); diff != "" {
					t.Errorf("asked, -want +got:\n%s", diff)
				}
				for i := range l.times[1:] {
					if gap := l.times[i+1].Sub(l.times[i]); l.asked[i][:4] == l.asked[i+1][:4] && gap < time.Second/20 {
						t.Errorf("%s comes %v after %s", l.asked[i+1], gap, l.asked[i])
					}
				}
			})
		})
	}
}

// recordsOf returns a state that has applied the tasks that are managed.
func recordsOf(tasks []Target) *state.Records {
	records := state.NewRecords()
	for _, w := range tasks {
		if w.Managed {
			records.Put(&state.Record{Key: w.Key, Status: state.StatusApplied, Applied: &state.Applied{TaskType: w.TaskType}})
		}
	}
	return records
}

// What is confirmed is read by name, and what no list has then by itself.
func TestScanner_Confirm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &library{lists: map[string][][]string{"1 realtime": {{"a", "b"}, {"c"}}, "1 offline": {{"off"}}}}
		s := Scanner{Lister: l, Describer: l, Lists: pace.New(20), Describes: pace.New(20)}
		at := func(task string, t spec.TaskType) Target {
			return Target{Key: spec.Key{ProjectID: "1", TaskID: task}, TaskType: t, Managed: true}
		}
		tasks := []Target{at("a", 0), at("c", 0), at("gone", 0), at("off", spec.Offline)}
		found := &Scan{Seen: map[spec.Key]*LiveTask{tasks[0].Key: {Name: "before"}}, Failed: map[spec.Key]error{}}
		if err := s.Confirm(t.Context(), found, tasks); err != nil {
			t.Fatal(err)
		}
		want := "list 1 realtime of a c gone, list 1 offline of off, look 1/gone"
		if got := strings.Join(l.asked, ", "); got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
		if len(found.Seen) != 4 || found.Seen[tasks[0].Key].Name != "" || !found.Seen[tasks[2].Key].Live.Missing {
			t.Errorf("found %v", found.Seen)
		}
	})
}

// A survey ends with its context, and says so.
func TestScanner_Ends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := &library{lists: map[string][][]string{"1 realtime": {{"a"}, {"b"}, {"c"}}}}
		s := Scanner{Lister: l, Describer: l, Lists: pace.New(1), Describes: pace.New(1)}
		time.AfterFunc(1500*time.Millisecond, cancel)
		if _, err := s.Scan(ctx, []Target{{Key: spec.Key{ProjectID: "1", TaskID: "z"}}}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if len(l.asked) != 1 {
			t.Errorf("asked %v", l.asked)
		}
	})
}

// authors is a Describer that tells who has submitted a version.
type authors struct {
	Describer
	asked []int64
}

func (a *authors) Version(ctx context.Context, _ spec.Key, _ spec.TaskType, version int64, gate pace.Gate) (*Version, error) {
	a.asked = append(a.asked, version)
	if version == 9 {
		return nil, plan.ErrReadDenied
	}
	return &Version{Number: version, Submitter: "100028625403", SubmittedAt: "2026-11-26 14:03:11"}, gate(ctx)
}

// TestVersions: who has submitted a version is asked for where another one is live than was
// applied, and that it is not told stops nothing.
func TestVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(authors)
		s := &Scanner{Describer: a, Describes: pace.New(20)}
		found := &Scan{Seen: map[spec.Key]*LiveTask{}}
		var tasks []Target
		for id, versions := range map[string][2]int64{"same": {7, 7}, "newer": {7, 8}, "denied": {7, 9}, "untold": {7, 0}, "unknown": {0, 8}} {
			key := spec.Key{ProjectID: "1", TaskID: id}
			tasks = append(tasks, Target{Key: key, Applied: versions[0]})
			found.Seen[key] = &LiveTask{Key: key, Live: state.Live{InstanceVersion: versions[1]}}
		}
		tasks = append(tasks, Target{Key: spec.Key{ProjectID: "1", TaskID: "unseen"}, Applied: 7})
		if err := s.versions(t.Context(), found, tasks); err != nil {
			t.Fatal(err)
		}
		slices.Sort(a.asked)
		if !slices.Equal(a.asked, []int64{8, 9}) {
			t.Errorf("asked for %v", a.asked)
		}
		seen := found.Seen[spec.Key{ProjectID: "1", TaskID: "newer"}]
		d := Compare(&spec.Commit{InstanceVersion: 8}, &state.Applied{CommitType: spec.Submit, InstanceVersion: 7}, seen)
		if want := "version 8 was submitted by 100028625403 on 2026-11-26 14:03:11 +08:00 (2026-11-26T06:03:11Z); it is the version that its spec asks for"; d.Detail != want {
			t.Errorf("%q, want %q", d.Detail, want)
		}
	})
}
