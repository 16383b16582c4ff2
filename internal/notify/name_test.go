package notify_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestNames: what people call a task is shown first, by the specs of the newest plan, also
// where the event knows no more than the key.
func TestNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeChat{kind: notify.Slack}
		n := f.start(t, func(s *notify.Settings) { s.Channels[0].Topics = singly })
		c := want("kb947c997", 3)
		c.Want.Name = "orders to warehouse"
		p := planOf(c)
		p.Wanted = spec.Commits{c.Want}
		n.Planned(p)
		n.Called(c, nil, locked)
		n.Scanned(&state.DriftScan{}, []state.Drift{{Key: c.Key, Kind: state.DriftGone}}, nil)
		pass(time.Minute)
		for _, text := range []string{"orders to warehouse (1/kb947c997) version 3 waiting", "orders to warehouse (1/kb947c997) has drifted"} {
			if !slices.ContainsFunc(f.lines(), contains(text)) {
				t.Errorf("no message says %q:\n%q", text, f.lines())
			}
		}
	})
}

func contains(text string) func(string) bool {
	return func(s string) bool { return strings.Contains(s, text) }
}
