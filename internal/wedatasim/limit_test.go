package wedatasim

import (
	"testing"
	"time"
)

// Twenty requests a second are accepted, however the server counts. The
// twenty-first tells which way it does.
func TestLimit(t *testing.T) {
	ms := time.Millisecond
	even := func(n int, period time.Duration) (pauses []time.Duration) {
		for range n {
			pauses = append(pauses, period)
		}
		return pauses
	}
	// Two bursts on either side of a second's end.
	split := append(append([]time.Duration{950 * ms}, even(19, 0)...), append([]time.Duration{100 * ms}, even(19, 0)...)...)
	tests := []struct {
		name     string
		opts     Options
		pauses   []time.Duration // before each request
		accepted int
		loads    Loads
	}{
		{"evenly, sliding", Options{}, even(60, 50*ms), 60, Loads{Load{20, 20}, Load{20, 20}}},
		{"evenly, fixed", Options{Window: Fixed}, even(60, 50*ms), 60, Loads{Load{20, 20}, Load{20, 20}}},
		{"a burst, sliding", Options{}, even(21, 0), 20, Loads{Load{21, 21}, Load{20, 20}}},
		{"a burst, fixed", Options{Window: Fixed}, even(21, 0), 20, Loads{Load{21, 21}, Load{20, 20}}},
		{"two bursts, sliding", Options{}, split, 20, Loads{Load{20, 40}, Load{20, 20}}},
		{"two bursts, fixed", Options{Window: Fixed}, split, 40, Loads{Load{20, 40}, Load{20, 40}}},
		{"a little too fast, sliding", Options{}, even(60, 49*ms), 58, Loads{Load{20, 21}, Load{20, 20}}},
		{"twice as fast, rejected ones count", Options{CountRejected: true}, even(80, 25*ms), 20, Loads{Load{40, 40}, Load{20, 20}}},
		{"another limit", Options{Limit: 2}, even(4, 0), 2, Loads{Load{4, 4}, Load{2, 2}}},
		{"no limit", Options{Limit: -1}, even(100, 0), 100, Loads{Load{100, 100}, Load{100, 100}}},
	}
	for _, tt := range tests {
		do(t, tt.opts, func(t *testing.T, c *client) {
			accepted := 0
			for _, pause := range tt.pauses {
				time.Sleep(pause)
				if a := c.call("CommitIntegrationTask", commit); a.Error == nil {
					accepted++
				} else if a.Error.Code != "RequestLimitExceeded" {
					t.Fatalf("%s: %+v", tt.name, a.Error)
				}
			}
			if accepted != tt.accepted {
				t.Errorf("%s: accepted %d, want %d", tt.name, accepted, tt.accepted)
			}
			if got := c.server.Windows("CommitIntegrationTask"); got != tt.loads {
				t.Errorf("%s: %+v, want %+v", tt.name, got, tt.loads)
			}
			if n := len(c.server.Applied("1", "a")); n != accepted {
				t.Errorf("%s: applied %d", tt.name, n)
			}
		})
	}
}

// Actions, regions and accounts are counted apart.
func TestLimitIsApart(t *testing.T) {
	other := Account{SecretID: "AKIDother", SecretKey: "k", UIN: "2"}
	do(t, Options{Limit: 1, Accounts: []Account{DefaultAccount(), other}}, func(t *testing.T, c *client) {
		send := func(action, region string) string {
			const body = `{"ProjectId":"1","TaskId":"a"}`
			r := c.request(action, body)
			r.Header.Set("X-TC-Region", region)
			return c.send(c.sign(r, body)).code()
		}
		if got := send("CommitIntegrationTask", "ap-guangzhou"); got != "" {
			t.Fatal(got)
		}
		if got := send("CommitIntegrationTask", "ap-guangzhou"); got != codeThrottled {
			t.Errorf("the same: %q", got)
		}
		if got := send("DescribeIntegrationTask", "ap-guangzhou"); got != "" {
			t.Errorf("another action: %q", got)
		}
		if got := send("CommitIntegrationTask", "ap-shanghai"); got != "" {
			t.Errorf("another region: %q", got)
		}
		c.account = other
		if got := send("CommitIntegrationTask", "ap-guangzhou"); got != "" {
			t.Errorf("another account: %q", got)
		}
	})
}

// The server counts, and judges signatures, by its own clock.
func TestSkew(t *testing.T) {
	do(t, Options{Behavior: Behavior{Skew: 6 * time.Minute}}, func(t *testing.T, c *client) {
		if got := c.call("CommitIntegrationTask", commit).code(); got != "AuthFailure.SignatureExpire" {
			t.Errorf("answered %q", got)
		}
		if at := c.server.Ledger()[0].At; !at.Equal(time.Now().Add(6 * time.Minute)) {
			t.Errorf("recorded at %s", at)
		}
	})
}
