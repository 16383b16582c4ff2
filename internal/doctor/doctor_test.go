package doctor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestTogether: a check that never comes back, as on a disk that is gone, takes no
// other with it.
func TestTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		say := func(check string, after time.Duration) part {
			return part{check, func(context.Context, *Subject) (r result) {
				time.Sleep(after)
				r.ok(check, "well")
				return r
			}}
		}
		hang := func(context.Context, *Subject) (r result) {
			<-release
			return r
		}
		s := &Subject{Timeout: time.Minute}
		start := time.Now()
		r := s.together(t.Context(), part{checkState, hang}, say(checkClock, time.Second), part{checkSecrets, hang}, say(checkListen, 59*time.Second))
		if took := time.Since(start); took > 62*time.Second {
			t.Errorf("it took %v", took)
		}
		var got []string
		for _, f := range r.findings {
			got = append(got, f.Check+" "+string(f.Level))
		}
		if want := "state error, clock ok, secrets error, listen ok"; strings.Join(got, ", ") != want {
			t.Errorf("findings: %s, want %s", strings.Join(got, ", "), want)
		}
		close(release)
	})
}

// TestLookAtClock: how far it may be off.
func TestLookAtClock(t *testing.T) {
	for _, tt := range []struct {
		reach wedata.Reach
		level Level
		says  string
	}{
		{apart(time.Second), LevelOK, "1s apart"},
		{apart(-fineOffset), LevelOK, "30s apart"},
		{apart(time.Minute), LevelWarning, "1m0s ahead of the endpoint's"},
		{apart(-mostOffset), LevelWarning, "4m0s behind"},
		{apart(-time.Hour), LevelError, "1h0m0s behind the endpoint's"},
		{wedata.Reach{}, LevelWarning, "does not say its time"},
	} {
		var r result
		examineClock(tt.reach, &r)
		if f := r.findings[0]; len(r.findings) != 1 || f.Level != tt.level || !strings.Contains(f.Message, tt.says) {
			t.Errorf("%+v: %+v, want %s and %q", tt.reach, r.findings, tt.level, tt.says)
		}
	}
}

// apart is a reach of an endpoint whose clock this machine's is ahead of.
func apart(ahead time.Duration) wedata.Reach {
	return wedata.Reach{Skew: wedata.Skew{Known: true, Least: ahead - time.Second/2, Most: ahead + time.Second/2}}
}

// reads answers each read with what is planned for its project.
type reads struct {
	reading
	errs  map[string]error
	asked []string
}

func (a *reads) Read(_ context.Context, key spec.Key, _ spec.TaskType, _ pace.Gate) (*state.Live, error) {
	a.asked = append(a.asked, key.ProjectID)
	if err := a.errs[key.ProjectID]; err != nil {
		return nil, err
	}
	return new(state.Live), nil
}

// TestReadEach: what a read that fails says of the credentials, and what of a project.
func TestReadEach(t *testing.T) {
	tasks := []task{{key: spec.Key{ProjectID: "1", TaskID: "a"}}, {key: spec.Key{ProjectID: "2", TaskID: "b"}}}
	for _, tt := range []struct {
		name   string
		err    error
		policy plan.DriftPolicy
		good   bool
		want   string
	}{
		{"all is well", nil, "", true, "ok credentials, ok permissions"},
		{"a task that is gone", plan.ErrTaskGone, "", true, "ok credentials, ok permissions"},
		{"too many requests", plan.ErrReadThrottled, "", true, "ok credentials, ok permissions"},
		{"not permitted", plan.ErrReadDenied, "", true, "ok credentials, warning permissions"},
		{"not permitted, and drift is healed", plan.ErrReadDenied, plan.PolicyHeal, true, "ok credentials, error permissions"},
		{"not accepted", wedata.ErrAuth, "", false, "error credentials"},
		{"no answer", wedata.ErrTemporary, "", false, "error credentials"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var r result
			good := r.readEach(t.Context(), &reads{errs: map[string]error{"2": errors.Join(tt.err)}}, tasks, tt.policy)
			var got []string
			for _, f := range r.findings {
				got = append(got, string(f.Level)+" "+f.Check)
			}
			if good != tt.good || strings.Join(got, ", ") != tt.want {
				t.Errorf("%s: %v, %s, want %v, %s", tt.name, good, strings.Join(got, ", "), tt.good, tt.want)
			}
		})
	}
}

// TestOneOfEach: many projects, and many tasks of one, take few reads.
func TestOneOfEach(t *testing.T) {
	var tasks []task
	for i := range 100 {
		tasks = append(tasks, task{key: spec.Key{ProjectID: string(rune('a' + i/4)), TaskID: "t"}})
	}
	if got := oneOfEach(tasks); len(got) != mostProjects {
		t.Errorf("%d reads, want %d", len(got), mostProjects)
	}
	if got := oneOfEach(tasks[:8]); len(got) != 2 {
		t.Errorf("%d reads of 2 projects", len(got))
	}
}
