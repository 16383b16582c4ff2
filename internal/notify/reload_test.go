package notify_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/apiclient/apitest"
	"github.com/wedatasync/wedatasync/internal/notify"
)

// reload puts other settings in place, and lets what follows from that happen.
func reload(t *testing.T, n *notify.Notifier, s notify.Settings) {
	t.Helper()
	swap, err := n.Reload(s)
	if err != nil {
		t.Fatal(err)
	}
	swap()
	synctest.Wait()
}

// TestReload_Template: what is queued is told in the new way, and nothing is told
// twice: not what was told, and not what is queued.
func TestReload_Template(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeChat{kind: notify.WeCom}
		var s notify.Settings
		n := f.start(t, func(given *notify.Settings) { given.Channels[0].Topics = singly; s = *given })
		n.Called(want("orders", 3), nil, applied)
		pass(time.Minute)
		n.Called(want("users", 3), nil, applied)
		changed := s.Channels[0]
		changed.Template = "{{.Task}} is {{.Topic}}"
		s.Channels = []notify.Channel{changed}
		reload(t, n, s)
		n.Called(want("users", 3), nil, applied)
		n.Called(want("orders", 3), nil, applied)
		pass(time.Minute)
		if got := f.lines(); len(got) != 2 || got[1] != "users is task.applied" {
			t.Errorf("told %q", got)
		}
		if got := n.Stats()[0]; got != (notify.Stats{Name: "ops", Sent: 2}) {
			t.Errorf("stats = %+v", got)
		}
	})
}

// TestReload_Others: a channel that stays as it is does not notice that another one
// comes or goes, and one that is gone is told nothing more.
func TestReload_Others(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var silent atomic.Bool
		silent.Store(true)
		f := &fakeChat{kind: notify.WeCom}
		var s notify.Settings
		n := f.start(t, func(given *notify.Settings) {
			given.Transport = apitest.Insecure{Transport: apitest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if silent.Load() {
					apitest.Silence(w, r)
					return
				}
				f.ServeHTTP(w, r)
			}))}
			given.Channels[0].Topics = singly
			s = *given
		})
		n.Called(want("orders", 3), nil, applied)
		pass(10 * time.Second) // it is on its way, and gets no answer
		n.Called(want("users", 3), nil, applied)
		one := s.Channels[0]
		two := one
		two.Name = "releases"
		s.Channels = []notify.Channel{one, two}
		reload(t, n, s)
		n.Called(want("bills", 3), nil, applied)
		silent.Store(false)
		pass(time.Hour)
		if got := fmt.Sprint(n.Stats()); got != "[{ops 0 3 0 0} {releases 0 1 0 0}]" {
			t.Errorf("stats = %s", got)
		}
		s.Channels = []notify.Channel{two}
		reload(t, n, s)
		n.Called(want("cars", 3), nil, applied)
		pass(time.Hour)
		if got := fmt.Sprint(n.Stats()); got != "[{releases 0 2 0 0}]" {
			t.Errorf("stats = %s", got)
		}
		if got := strings.Join(f.lines(), "\n"); strings.Count(got, "1/cars") != 1 || strings.Count(got, "1/bills") != 2 {
			t.Errorf("told\n%s", got)
		}
	})
}

// TestReload_Refused: settings that cannot be used change nothing.
func TestReload_Refused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeChat{kind: notify.WeCom}
		var s notify.Settings
		n := f.start(t, func(given *notify.Settings) { given.Channels[0].Topics = singly; s = *given })
		bad := s
		bad.Channels = []notify.Channel{s.Channels[0], {Name: "releases", Kind: "pigeon"}}
		if _, err := n.Reload(bad); err == nil {
			t.Error("a pigeon was taken")
		}
		n.Called(want("orders", 3), nil, applied)
		pass(time.Minute)
		if got := f.lines(); len(got) != 1 {
			t.Errorf("told %q", got)
		}
	})
}

// TestReload_FromNothing: who is named first while the daemon runs is told what
// happens from then on, and how the revision stands.
func TestReload_FromNothing(t *testing.T) {
	statusForges(t, func(t *testing.T, f *statusForge) {
		config := f.config(t)
		n := run(t, notify.Settings{NewID: func() string { return "1" }, Logger: config.Logger})
		n.Passed(passed())
		pass(time.Minute)
		reload(t, n, notify.Settings{Forge: &config, Context: "production"})
		n.Passed(passed())
		pass(time.Minute)
		reload(t, n, notify.Settings{Forge: &config, Context: "staging"})
		n.Passed(passed())
		pass(time.Minute)
		var got []string
		for _, s := range f.statuses {
			got = append(got, s["context"]+s["name"]+" "+s["state"])
		}
		if strings.Join(got, ", ") != "production success, staging success" {
			t.Errorf("statuses: %q", got)
		}
		reload(t, n, notify.Settings{})
		n.Passed(passed(want("orders", 3)))
		pass(time.Minute)
		if len(f.statuses) != 2 || len(n.Stats()) != 0 {
			t.Errorf("%d statuses, stats %+v", len(f.statuses), n.Stats())
		}
	})
}
