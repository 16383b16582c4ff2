package wedatasim

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// got is what came of one request, in words.
type got struct {
	status int
	body   string // "" if it was not whole
	broken bool
	took   time.Duration
}

// try sends the commit within a time, and says what came of it.
func (c *client) try(within time.Duration) got {
	c.t.Helper()
	r := c.sign(c.request("CommitIntegrationTask", commit), commit)
	start := time.Now()
	h := *c.http
	h.Timeout = within
	resp, err := h.Do(r)
	if err != nil {
		return got{broken: true, took: time.Since(start)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return got{status: resp.StatusCode, body: string(body), broken: err != nil, took: time.Since(start)}
}

func TestFaults(t *testing.T) {
	const done = `"Data":true`
	tests := []struct {
		name    string
		fault   Fault
		within  time.Duration // of the client; 0 is no end
		status  int
		body    string // in the answer
		broken  bool
		took    time.Duration
		applied int // at once
		later   int // in the end
	}{
		{name: "none", fault: Fault{TaskID: "other"}, status: 200, body: done, applied: 1, later: 1},
		{name: "an error", fault: Fault{Code: "ResourceInUse", Message: "the task is in use"}, status: 200, body: `"Error":{"Code":"ResourceInUse","Message":"the task is in use"}`},
		{name: "late", fault: Fault{Delay: time.Minute}, status: 200, body: done, took: time.Minute, applied: 1, later: 1},
		{name: "late, after it took effect", fault: Fault{Hold: time.Minute}, status: 200, body: done, took: time.Minute, applied: 1, later: 1},
		{name: "too late, and has its effect still", fault: Fault{Delay: time.Minute}, within: time.Second, broken: true, took: time.Second, later: 1},
		{name: "waits for approval", fault: Fault{ApproveID: "a7"}, status: 200, body: `"TaskApproveId":"a7"`},
		{name: "lies", fault: Fault{Effect: EffectNever}, status: 200, body: done},
		{name: "held up on its way", fault: Fault{Effect: EffectLate, LateBy: 4 * time.Minute}, status: 200, body: done, took: 4 * time.Minute, applied: 1, later: 1},
		{name: "held up longer than the client waits", fault: Fault{Effect: EffectLate, LateBy: 4 * time.Minute}, within: 10 * time.Second, broken: true, took: 10 * time.Second, later: 1},
		{name: "held up longer than its signature is good", fault: Fault{Effect: EffectLate, LateBy: 5*time.Minute + time.Second}, within: 10 * time.Second, broken: true, took: 10 * time.Second},
		{name: "dropped, with effect", fault: Fault{Answer: ReplyDrop}, broken: true, applied: 1, later: 1},
		{name: "dropped, without", fault: Fault{Effect: EffectNever, Answer: ReplyDrop}, broken: true},
		{name: "dropped, with an effect later", fault: Fault{Effect: EffectLate, LateBy: time.Minute, Answer: ReplyDrop}, broken: true, later: 1},
		{name: "reset", fault: Fault{Answer: ReplyReset}, broken: true, applied: 1, later: 1},
		{name: "hangs", fault: Fault{Answer: ReplyHang}, within: time.Minute, broken: true, took: time.Minute, applied: 1, later: 1},
		{name: "cut off", fault: Fault{Answer: ReplyTruncated}, status: 200, broken: true, applied: 1, later: 1},
		{name: "a byte at a time", fault: Fault{Answer: ReplySlow}, within: 10 * time.Second, status: 200, broken: true, took: 10 * time.Second, applied: 1, later: 1},
		{name: "empty", fault: Fault{Answer: ReplyEmpty}, status: 200, body: "{}", applied: 1, later: 1},
		{name: "a page", fault: Fault{Answer: ReplyHTML}, status: 502, body: "<h1>502 Bad Gateway</h1>", applied: 1, later: 1},
		{name: "another page", fault: Fault{Answer: ReplyHTML, Status: 200}, status: 200, body: "<h1>", applied: 1, later: 1},
		{name: "a redirect", fault: Fault{Answer: ReplyRedirect, Location: "https://example.com"}, status: 307, applied: 1, later: 1},
		{name: "another redirect", fault: Fault{Answer: ReplyRedirect, Location: "https://example.com", Status: 302}, status: 302, applied: 1, later: 1},
		{name: "anything", fault: Fault{Answer: ReplyRaw, Body: "anything", Status: 418}, status: 418, body: "anything", applied: 1, later: 1},
		{name: "a gibibyte", fault: Fault{Answer: ReplyHuge}, status: 200, body: strings.Repeat(" ", 1<<20), applied: 1, later: 1},
	}
	for _, tt := range tests {
		do(t, Options{}, func(t *testing.T, c *client) {
			c.server.Inject(tt.fault)
			g := c.try(tt.within)
			if g.status != tt.status || g.broken != tt.broken || !strings.Contains(g.body, tt.body) || g.took != tt.took {
				t.Errorf("%s: status %d, broken %v after %s, %.80q", tt.name, g.status, g.broken, g.took, g.body)
			}
			if n := len(c.server.Applied("1", "a")); n != tt.applied {
				t.Errorf("%s: applied %d at once, want %d", tt.name, n, tt.applied)
			}
			time.Sleep(2 * time.Hour)
			if n := len(c.server.Applied("1", "a")); n != tt.later {
				t.Errorf("%s: applied %d in the end, want %d", tt.name, n, tt.later)
			}
			task, _ := c.server.Task("1", "a")
			if len(task.Operations) != tt.later {
				t.Errorf("%s: %d operations on the task, want %d", tt.name, len(task.Operations), tt.later)
			}
		})
	}
}

// A client over TCP sees a reset as one, and a close as one.
func TestResetOverTCP(t *testing.T) {
	s := New(Options{})
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	c := &client{t: t, server: s, account: DefaultAccount(), http: srv.Client()}
	for reply, want := range map[Reply]error{ReplyReset: syscall.ECONNRESET, ReplyDrop: io.EOF} {
		s.Clear()
		s.Inject(Fault{Answer: reply})
		r := c.request("CommitIntegrationTask", commit)
		r.URL.Host = srv.Listener.Addr().String()
		r.Host = "wedata.tencentcloudapi.com"
		if _, err := c.http.Do(c.sign(r, commit)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", reply, err, want)
		}
	}
}

// A fault meets the requests it is ordered for.
func TestFaultsChoose(t *testing.T) {
	const describe = `{"ProjectId":"1","TaskId":"a"}`
	tests := []struct {
		name   string
		faults []Fault
		want   string // for each request: its fault's number, or - for none
	}{
		{"all", []Fault{{}}, "1111"},
		{"by action", []Fault{{Action: "DescribeIntegrationTask"}}, "-1-1"},
		{"by task", []Fault{{TaskID: "a"}}, "1111"},
		{"by another task", []Fault{{TaskID: "b"}}, "----"},
		{"by project", []Fault{{ProjectID: "1"}}, "1111"},
		{"by another project", []Fault{{ProjectID: "2"}}, "----"},
		{"so many", []Fault{{Times: 2}}, "11--"},
		{"not the first", []Fault{{Skip: 1}}, "-111"},
		{"so many, but not the first", []Fault{{Skip: 1, Times: 1}}, "-1--"},
		{"one after the other", []Fault{{Times: 1}, {Times: 2}}, "122-"},
		{"the first that fits", []Fault{{Action: "DescribeIntegrationTask"}, {}}, "2121"},
		{"never", []Fault{{Probability: 1e-300}}, "----"},
		{"always", []Fault{{Probability: 1}}, "1111"},
	}
	for _, tt := range tests {
		do(t, Options{}, func(t *testing.T, c *client) {
			for _, f := range tt.faults {
				c.server.Inject(f)
			}
			for range 2 {
				c.call("CommitIntegrationTask", commit)
				c.call("DescribeIntegrationTask", describe)
			}
			var met strings.Builder
			for _, e := range c.server.Ledger() {
				met.WriteString(strings.Replace(string(rune('0'+e.Fault)), "0", "-", 1))
			}
			if met.String() != tt.want {
				t.Errorf("%s: %s, want %s", tt.name, met.String(), tt.want)
			}
		})
	}
}

// Chance comes from the seed: the same again, and in the share that was asked for.
func TestChance(t *testing.T) {
	run := func(seed uint64) (met string) {
		do(t, Options{Limit: -1, Seed: seed}, func(t *testing.T, c *client) {
			c.server.Inject(Fault{Probability: 0.3, Code: "RequestLimitExceeded", Delay: time.Second, Jitter: time.Second})
			for range 300 {
				start := time.Now()
				a := c.call("CommitIntegrationTask", commit)
				if took := time.Since(start); a.Error != nil && (took < time.Second || took >= 2*time.Second) {
					t.Errorf("took %s", took)
				}
				met += map[bool]string{true: "x", false: "."}[a.Error != nil]
			}
		})
		return met
	}
	first := run(1)
	if again := run(1); again != first {
		t.Errorf("the same seed:\n%s\n%s", first, again)
	}
	if other := run(2); other == first {
		t.Errorf("another seed gives the same: %s", other)
	}
	if n := strings.Count(first, "x"); n < 60 || n > 120 {
		t.Errorf("%d of 300, want about 90", n)
	}
}

// Requests that do not pass the gateway meet no fault, and use none up.
func TestFaultsAreBehindTheGateway(t *testing.T) {
	do(t, Options{Limit: 1}, func(t *testing.T, c *client) {
		c.server.Inject(Fault{Skip: 1, Times: 1, Code: "InternalError"})
		c.account.SecretKey = "wrong"
		if got := c.call("CommitIntegrationTask", commit).code(); got != "AuthFailure.SignatureFailure" {
			t.Errorf("answered %q", got)
		}
		c.account = DefaultAccount()
		for i, want := range []string{"", codeThrottled, codeThrottled} {
			if got := c.call("CommitIntegrationTask", commit).code(); got != want {
				t.Errorf("request %d: %q, want %q", i, got, want)
			}
		}
		time.Sleep(time.Second)
		if got := c.call("CommitIntegrationTask", commit).code(); got != "InternalError" {
			t.Errorf("answered %q", got)
		}
	})
}

func TestClear(t *testing.T) {
	s := New(Options{})
	a, b, c := s.Inject(Fault{}), s.Inject(Fault{}), s.Inject(Fault{})
	s.Clear(b)
	if got := s.Faults(); len(got) != 2 || got[0].ID != a || got[1].ID != c {
		t.Errorf("left %+v", got)
	}
	s.Clear()
	if got := s.Faults(); len(got) != 0 {
		t.Errorf("left %+v", got)
	}
}

// A client that leaves in the middle of its request has asked for nothing.
func TestHalfARequest(t *testing.T) {
	s := New(Options{})
	srv := httptest.NewServer(s)
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	_ = conn.Close()
	srv.Close() // waits for its requests
	if n := len(s.Ledger()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestDialAfterClose(t *testing.T) {
	s := New(Options{})
	conn, err := s.Dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	_ = s.Close()
	if _, err := s.Dial(t.Context(), "", ""); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if err := s.Serve(newPipeListener()); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("got %v", err)
	}
}
