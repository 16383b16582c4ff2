package wedata_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/state"
)

// clocks are two endpoints in memory that differ in their clock alone.
type clocks struct {
	right, off *wedatasim.Server
	to         *wedatasim.Server // where a client connects
}

// newClocks returns the endpoints, the second with a clock that the client's is ahead
// of, and a client of that one.
func newClocks(t *testing.T, ahead time.Duration) (*clocks, *wedata.Client) {
	t.Helper()
	s := &clocks{right: wedatasim.New(wedatasim.Options{}), off: wedatasim.New(wedatasim.Options{Behavior: wedatasim.Behavior{Skew: -ahead}})}
	s.to = s.off
	account := wedatasim.DefaultAccount()
	c := newClient(t, "http://127.0.0.1", func(cfg *wedata.Config) {
		cfg.Credentials = wedata.StaticCredentials(account.SecretID, account.SecretKey, "")
		cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			return s.to.Dial(ctx, network, address)
		}
	})
	t.Cleanup(func() { _, _ = s.right.Close(), s.off.Close() })
	return s, c
}

// commit sends a commit and returns what came of it.
func commit(t *testing.T, c *wedata.Client) state.Outcome {
	t.Helper()
	out, _ := c.Commit(t.Context(), commitOf("a"), nil)
	return out
}

// TestSkew_Learned: answers tell how far this machine's clock is ahead, the better the
// more there are; a signature is good for that much longer.
func TestSkew_Learned(t *testing.T) {
	for _, ahead := range []time.Duration{-3 * time.Minute, 0, 90 * time.Second, 200*time.Second + 400*time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			_, c := newClocks(t, ahead)
			if s := c.Skew(); s.Known || c.SkewMargin() != wedata.MaxSkew {
				t.Errorf("before any answer it is %+v, with a margin of %v", s, c.SkewMargin())
			}
			for range 20 {
				if out := commit(t, c); out.Class != state.ClassApplied {
					t.Fatalf("%+v", out)
				}
				time.Sleep(1300 * time.Millisecond)
			}
			s := c.Skew()
			if s.Least > ahead || s.Most < ahead || s.Most-s.Least > time.Second || (s.Ahead()-ahead).Abs() > 300*time.Millisecond {
				t.Errorf("%v ahead is taken to be %+v", ahead, s)
			}
			if m := c.SkewMargin(); m < max(ahead, 0) || m > max(ahead, 0)+time.Second {
				t.Errorf("%v ahead makes a margin of %v", ahead, m)
			}
		})
	}
}

// TestSkew_Set: when the clock is set, what it signed before is good for as long as it
// was.
func TestSkew_Set(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newClocks(t, 2*time.Minute)
		commit(t, c)
		s.to = s.right
		commit(t, c)
		if s := c.Skew(); s.Ahead().Abs() > time.Second {
			t.Errorf("taken to be %+v", s)
		}
		for _, tt := range []struct{ after, least, most time.Duration }{
			{0, 2 * time.Minute, 121 * time.Second},
			{14 * time.Minute, 2 * time.Minute, 121 * time.Second},
			{2 * time.Minute, 0, time.Second},
		} {
			time.Sleep(tt.after)
			if m := c.SkewMargin(); m < tt.least || m > tt.most {
				t.Errorf("%v later the margin is %v, want %v", tt.after, m, tt.least)
			}
		}
	})
}

// TestSkew_Beyond: by a clock that is too far off nothing is sent, and once it is set
// things go on.
func TestSkew_Beyond(t *testing.T) {
	for _, ahead := range []time.Duration{wedata.MaxSkew + 10*time.Second, -wedata.MaxSkew - 10*time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s, c := newClocks(t, ahead)
			if out := commit(t, c); out.Class != state.ClassApplied {
				t.Fatalf("%+v", out) // what is not known yet stops nobody
			}
			for range 2 {
				if out := commit(t, c); out.Class != state.ClassAuth || out.Code != wedata.CodeClock || !strings.Contains(out.Message, "check this machine's clock: it is 4m1") {
					t.Errorf("%+v", out)
				}
			}
			if n := s.off.Windows("CommitIntegrationTask").All.Sliding; n != 1 {
				t.Errorf("%d commits were sent, want 1", n)
			}
			s.to = s.right
			if out := commit(t, c); out.Class != state.ClassApplied {
				t.Errorf("%+v", out)
			}
		})
	}
}
