package wedatasim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ask sends a request to the control plane and returns the status and the answer.
func ask(t *testing.T, s *Server, method, path, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:9741"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:5000"
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestControl(t *testing.T) {
	s := New(Options{})
	steps := []struct {
		method, path, body string
		status             int
		want               string // in the answer
	}{
		{"GET", "/_sim/", "", 200, "POST   /_sim/faults"},
		{"GET", "/_sim/tasks", "", 200, "[]"},
		{"GET", "/_sim/tasks/1/a", "", 404, "no such task"},
		{"PATCH", "/_sim/tasks/1/a", `{"status":3,"instance_version":7,"submitted":true,"name":"orders","task_type":202}`, 200, `"instance_version": 7`},
		{"PATCH", "/_sim/tasks/1/a", `{"locker":"100028625403"}`, 200, `"locker": "100028625403"`},
		{"GET", "/_sim/tasks/1/a", "", 200, `"name": "orders"`},
		{"PATCH", "/_sim/tasks/1/a", `{"locker":""}`, 200, `"status": 3`},
		{"POST", "/_sim/tasks/1/a", `{"do":"describe","operator":"7","description":"d"}`, 200, `"operator_uin": "7"`},
		{"POST", "/_sim/tasks/1/a", `{"do":"guess"}`, 409, `there is no action "guess"`},
		{"POST", "/_sim/tasks/1/b", `{"do":"start"}`, 409, `there is no task 1/b`},
		{"PATCH", "/_sim/tasks/1/a", `{"version":7}`, 400, `unknown field "version"`},
		{"GET", "/_sim/tasks", "", 200, `"task_id": "a"`},
		{"GET", "/_sim/ledger", "", 200, "[]"},
		{"GET", "/_sim/windows?action=CommitIntegrationTask", "", 200, `"sliding": 0`},
		{"GET", "/_sim/faults", "", 200, "[]"},
		{"POST", "/_sim/faults", `{"task_id":"a","answer":"drop","times":1,"delay":"250ms"}`, 200, `"id": 1`},
		{"POST", "/_sim/faults", `[{"code":"ResourceInUse"},{"probability":0.1,"code":"RequestLimitExceeded"}]`, 200, `"id": 3`},
		{"GET", "/_sim/faults", "", 200, `"delay": "250ms"`},
		{"DELETE", "/_sim/faults/2", "", 200, ""},
		{"DELETE", "/_sim/faults/two", "", 400, "not a number"},
		{"DELETE", "/_sim/faults", "", 200, ""},
		{"GET", "/_sim/faults", "", 200, "[]"},
		{"POST", "/_sim/faults", `{"anwser":"drop"}`, 400, `unknown field "anwser"`},
		{"POST", "/_sim/faults", `{"answer":"droop"}`, 400, `no such answer: "droop"`},
		{"POST", "/_sim/faults", `{"effect":"maybe"}`, 400, `no such effect: "maybe"`},
		{"POST", "/_sim/faults", `{"probability":2}`, 400, `not between 0 and 1`},
		{"POST", "/_sim/faults", `{"status":99}`, 400, `no such status`},
		{"POST", "/_sim/faults", `{"delay":"soon"}`, 400, `invalid duration`},
		{"POST", "/_sim/faults", `{"code":"` + strings.Repeat("x", maxControl) + `"}`, 400, `too large`},
		{"GET", "/_sim/profiles", "", 200, `"newest": {`},
		{"GET", "/_sim/behavior", "", 200, `"read_lag": "0s"`},
		{"PATCH", "/_sim/behavior", `{"profile":"newest","read_lag":"4s","lock_message":"任务已被 {locker} 锁定"}`, 200, `"name": "newest"`},
		{"PATCH", "/_sim/behavior", `{"skew":"-2m","approvals":{"projects":["1"],"end":"drawn","after":"1m"}}`, 200, `"read_lag": "4s"`},
		{"PATCH", "/_sim/behavior", `{"approvals":{"jitter":"1s"}}`, 200, `"after": "1m0s"`},
		{"PATCH", "/_sim/behavior", `{"profile":{"name":"mine","offline":{"submit":"null"}}}`, 200, `"submit": "null"`},
		{"PATCH", "/_sim/behavior", `{"profile":"unheard"}`, 400, `no such profile: "unheard"; there are bare, full`},
		{"PATCH", "/_sim/behavior", `{"profile":{"online":{}}}`, 400, `unknown field "online"`},
		{"PATCH", "/_sim/behavior", `{"profile":{"offline":{"submit":"maybe"}}}`, 400, `unknown value "maybe"`},
		{"PATCH", "/_sim/behavior", `{"approvals":{"ends":"passed"}}`, 400, `unknown field "ends"`},
		{"PATCH", "/_sim/behavior", `{"approvals":{"end":"waiting"}}`, 400, `no such end of an approval: "waiting"`},
		{"PATCH", "/_sim/behavior", `{"approvals":{"codes":{"open":"0"}}}`, 400, `no such state of an approval: "open"`},
		{"PATCH", "/_sim/behavior", `{"approvals":{"after":"-1s"}}`, 400, `cannot end before`},
		{"PATCH", "/_sim/behavior", `{"read_lag":"2h"}`, 400, `not between 0 and 1h0m0s`},
		{"PATCH", "/_sim/behavior", `{"platform_trace":"all"}`, 400, `no such trace: "all"`},
		{"GET", "/_sim/approvals", "", 200, "[]"},
		{"POST", "/_sim/approvals/1", `{"state":"passed"}`, 409, `there is no approval "1"`},
		{"POST", "/_sim/tasks", "", 405, "Method Not Allowed"},
		{"GET", "/_sim/other", "", 404, "not found"},
	}
	for _, step := range steps {
		status, got := ask(t, s, step.method, step.path, step.body)
		if status != step.status || !strings.Contains(got, step.want) {
			t.Errorf("%s %s %.80s: %d %q, want %d %q", step.method, step.path, step.body, status, got, step.status, step.want)
		}
	}
	// A change of the lock alone is no operation.
	if task, _ := s.Task("1", "a"); len(task.Operations) != 2 {
		t.Errorf("%d operations, want 2", len(task.Operations))
	}
}

// The control plane is for this machine, and for who means this machine.
func TestControlIsLocal(t *testing.T) {
	tests := []struct {
		from, host string
		want       int
	}{
		{"127.0.0.1:5000", "127.0.0.1:9741", 200},
		{"127.0.0.1:5000", "localhost:9741", 200},
		{"127.0.0.1:5000", "localhost", 200},
		{"[::1]:5000", "[::1]:9741", 200},
		{"[::1]:5000", "[::1]", 200},
		{"pipe", "127.0.0.1", 200},
		{"192.0.2.7:5000", "127.0.0.1:9741", 403},
		{"127.0.0.1:5000", "evil.example.com:9741", 403},
		{"127.0.0.1:5000", "127.0.0.1.example.com", 403},
		{"nowhere", "127.0.0.1", 403},
	}
	for _, tt := range tests {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/_sim/tasks", nil)
		r.RemoteAddr, r.Host = tt.from, tt.host
		w := httptest.NewRecorder()
		New(Options{}).ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("from %s to %s: %d, want %d", tt.from, tt.host, w.Code, tt.want)
		}
	}
}

// A fault in JSON is the fault.
func TestFaultJSON(t *testing.T) {
	want := Fault{
		Action: "CommitIntegrationTask", ProjectID: "1", TaskID: "a", Skip: 1, Times: 2, Probability: 0.5,
		Delay: time.Second, Jitter: time.Millisecond, Code: "InternalError", Message: "m", Effect: EffectLate, LateBy: time.Minute,
		ApproveID: "a7", Fails: true, Hold: time.Hour, Answer: ReplyRaw, Status: 418, Location: "l", Body: "b",
	}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Fault
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The ledger can be asked for what concerns one task, or one action.
func TestControlLedger(t *testing.T) {
	do(t, Options{}, func(t *testing.T, c *client) {
		c.call("CommitIntegrationTask", commit)
		c.call("DescribeIntegrationTask", `{"ProjectId":"1","TaskId":"a"}`)
		c.call("CommitIntegrationTask", `{"ProjectId":"1","TaskId":"b"}`)
		for path, want := range map[string]int{"": 3, "?task_id=a": 2, "?action=CommitIntegrationTask": 2, "?task_id=a&action=CommitIntegrationTask": 1, "?task_id=x": 0} {
			resp, err := c.http.Get("http://127.0.0.1/_sim/ledger" + path)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			var entries []Entry
			if err := json.Unmarshal(body, &entries); err != nil || len(entries) != want {
				t.Errorf("%s: %d entries, %v; want %d", path, len(entries), err, want)
			}
		}
	})
}
