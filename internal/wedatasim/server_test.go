package wedatasim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/wedatasim/tc3"
)

// client sends requests to a server in memory, as it is told.
type client struct {
	t       *testing.T
	server  *Server
	http    *http.Client
	account Account
}

func newClient(t *testing.T, opts Options) *client {
	t.Helper()
	s := New(opts)
	transport := &http.Transport{DialContext: s.Dial, DisableKeepAlives: true}
	t.Cleanup(func() { _ = s.Close() })
	return &client{t: t, server: s, account: DefaultAccount(), http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// request returns a request that is right. Change what it says before sign.
func (c *client) request(action, body string) *http.Request {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, "http://wedata.tencentcloudapi.com/", strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-TC-Action", action)
	r.Header.Set("X-TC-Version", apiVersion)
	r.Header.Set("X-TC-Region", "ap-guangzhou")
	r.Header.Set("X-TC-Timestamp", strconv.FormatInt(time.Now().Unix(), 10))
	return r
}

// sign signs the request with the client's account, as its headers say.
func (c *client) sign(r *http.Request, body string) *http.Request {
	c.t.Helper()
	seconds, _ := strconv.ParseInt(r.Header.Get("X-TC-Timestamp"), 10, 64)
	a := tc3.Authorization{
		SecretID: c.account.SecretID,
		Date:     time.Unix(seconds, 0).UTC().Format(time.DateOnly),
		Service:  service,
		Signed:   []string{"content-type", "host"},
	}
	a.Signature = a.Sign(c.account.SecretKey, r, []byte(body))
	r.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s/%s/tc3_request, SignedHeaders=content-type;host, Signature=%s",
		tc3.Algorithm, a.SecretID, a.Date, a.Service, a.Signature))
	if c.account.Token != "" {
		r.Header.Set("X-TC-Token", c.account.Token)
	}
	return r
}

// answer is a read answer of the API.
type answer struct {
	Error     *apiError
	RequestID string `json:"RequestId"`
	Data      json.RawMessage
	DataDto   *struct{ TaskApproveId *string }
	TaskInfo  map[string]any
	Version   map[string]any `json:"TaskVersion"`
	Runs      []struct {
		RunningOrderID int64 `json:"RunningOrderId"`
	} `json:"TaskVersionList"`
	TaskInfos []map[string]any `json:"TaskInfoSet"`
	Total     int              `json:"TotalCount"`
}

// code is the error's code, or "".
func (a *answer) code() string {
	if a.Error == nil {
		return ""
	}
	return a.Error.Code
}

// send sends the request and reads the answer.
func (c *client) send(r *http.Request) *answer {
	c.t.Helper()
	resp, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	var whole struct{ Response answer }
	if err := json.NewDecoder(resp.Body).Decode(&whole); err != nil || resp.StatusCode != http.StatusOK {
		c.t.Fatalf("status %d, %v", resp.StatusCode, err)
	}
	return &whole.Response
}

// call signs and sends a request that is right.
func (c *client) call(action, body string) *answer {
	c.t.Helper()
	return c.send(c.sign(c.request(action, body), body))
}

const commit = `{"ProjectId":"1","TaskId":"a","CommitType":1,"InstanceVersion":3}`

// do runs f with a client in a bubble.
func do(t *testing.T, opts Options, f func(t *testing.T, c *client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newClient(t, opts)) })
}

// Every request that is not right in one thing is refused for that.
func TestStrictness(t *testing.T) {
	header := func(name, value string) func(*client, *http.Request) {
		return func(_ *client, r *http.Request) { r.Header.Set(name, value) }
	}
	tests := []struct {
		name string
		// before and after the signature
		before, after func(*client, *http.Request)
		body          string
		want          string
	}{
		{name: "right"},
		{name: "right, with a charset", before: header("Content-Type", "application/json; charset=utf-8")},
		{name: "GET", after: func(_ *client, r *http.Request) { r.Method = http.MethodGet }, want: "UnsupportedProtocol"},
		{name: "a path", before: func(_ *client, r *http.Request) { r.URL.Path = "/x" }, want: "InvalidRequest"},
		{name: "a query", before: func(_ *client, r *http.Request) { r.URL.RawQuery = "x=1" }, want: "InvalidRequest"},
		{name: "no content type", before: func(_ *client, r *http.Request) { r.Header.Del("Content-Type") }, want: "InvalidRequest"},
		{name: "a form", before: header("Content-Type", "application/x-www-form-urlencoded"), want: "InvalidRequest"},
		{name: "a body too large", body: strings.Repeat(" ", maxRequest-1) + "{}", want: "RequestSizeLimitExceeded"},
		{name: "no action", before: header("X-TC-Action", ""), want: "MissingParameter"},
		{name: "another action", before: header("X-TC-Action", "DeleteIntegrationTask"), want: "InvalidAction"},
		{name: "no version", before: header("X-TC-Version", ""), want: "NoSuchVersion"},
		{name: "another version", before: header("X-TC-Version", "2025-08-06"), want: "NoSuchVersion"},
		{name: "no region", before: header("X-TC-Region", ""), want: "MissingParameter"},
		{name: "another region", before: header("X-TC-Region", "ap-nowhere"), want: "UnsupportedRegion"},

		{name: "no signature", after: header("Authorization", ""), want: "AuthFailure.InvalidAuthorization"},
		{name: "another way to sign", after: header("Authorization", "HmacSHA256 Credential=a/b/wedata/tc3_request, SignedHeaders=content-type;host, Signature=0"), want: "AuthFailure.InvalidAuthorization"},
		{name: "a scope cut short", after: header("Authorization", "TC3-HMAC-SHA256 Credential=a/b/wedata, SignedHeaders=content-type;host, Signature=0"), want: "AuthFailure.InvalidAuthorization"},
		{name: "too little signed", after: header("Authorization", "TC3-HMAC-SHA256 Credential=a/b/wedata/tc3_request, SignedHeaders=host, Signature=0"), want: "AuthFailure.InvalidAuthorization"},
		{name: "signed in another order", after: header("Authorization", "TC3-HMAC-SHA256 Credential=a/b/wedata/tc3_request, SignedHeaders=host;content-type, Signature=0"), want: "AuthFailure.InvalidAuthorization"},
		{name: "an unknown id", before: func(c *client, _ *http.Request) { c.account.SecretID = "AKIDother" }, want: "AuthFailure.SecretIdNotFound"},
		{name: "another key", before: func(c *client, _ *http.Request) { c.account.SecretKey += "x" }, want: "AuthFailure.SignatureFailure"},
		{name: "another host", after: func(_ *client, r *http.Request) { r.Host = "example.com" }, want: "AuthFailure.SignatureFailure"},
		{name: "another content type", after: header("Content-Type", "application/json; charset=utf-8"), want: "AuthFailure.SignatureFailure"},
		{name: "another body", after: func(_ *client, r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(commit, "3", "4", 1)))
		}, want: "AuthFailure.SignatureFailure"},
		{name: "another time", after: func(_ *client, r *http.Request) {
			r.Header.Set("X-TC-Timestamp", strconv.FormatInt(time.Now().Unix()-1, 10))
		}, want: "AuthFailure.SignatureFailure"},
		{name: "another day", after: func(_ *client, r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "2000-01-01", "1999-12-31", 1))
		}, want: "AuthFailure.SignatureFailure"},
		{name: "another service", after: func(_ *client, r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/wedata/", "/cvm/", 1))
		}, want: "AuthFailure.SignatureFailure"},
		{name: "no time", before: header("X-TC-Timestamp", ""), want: "MissingParameter"},
		{name: "a time that is none", before: header("X-TC-Timestamp", "now"), want: "MissingParameter"},
		{name: "5 minutes ago", before: func(_ *client, r *http.Request) {
			r.Header.Set("X-TC-Timestamp", strconv.FormatInt(time.Now().Add(-5*time.Minute).Unix(), 10))
		}},
		{name: "over 5 minutes ago", before: func(_ *client, r *http.Request) {
			r.Header.Set("X-TC-Timestamp", strconv.FormatInt(time.Now().Add(-5*time.Minute-time.Second).Unix(), 10))
		}, want: "AuthFailure.SignatureExpire"},
		{name: "over 5 minutes ahead", before: func(_ *client, r *http.Request) {
			r.Header.Set("X-TC-Timestamp", strconv.FormatInt(time.Now().Add(5*time.Minute+time.Second).Unix(), 10))
		}, want: "AuthFailure.SignatureExpire"},
		{name: "a token that nobody gave", before: func(c *client, _ *http.Request) { c.account.Token = "t" }, want: "AuthFailure.TokenFailure"},
		{name: "no token", before: func(c *client, _ *http.Request) {
			c.account = Account{SecretID: "AKIDtemporary", SecretKey: "k"}
		}, want: "AuthFailure.TokenFailure"},
		{name: "the token", before: func(c *client, _ *http.Request) {
			c.account = Account{SecretID: "AKIDtemporary", SecretKey: "k", Token: "t"}
		}},

		{name: "no JSON", body: `ProjectId=1`, want: "InvalidParameter"},
		{name: "a list", body: `[` + commit + `]`, want: "InvalidParameter"},
		{name: "two objects", body: commit + commit, want: "InvalidParameter"},
		{name: "an object cut off", body: commit[:len(commit)-1], want: "InvalidParameter"},
		{name: "a parameter twice", body: `{"ProjectId":"1","TaskId":"a","TaskId":"b"}`, want: "InvalidParameter"},
		{name: "an unknown parameter", body: `{"ProjectId":"1","TaskId":"a","ClientToken":"x"}`, want: "UnknownParameter"},
		{name: "a parameter in small letters", body: `{"ProjectId":"1","taskId":"a"}`, want: "UnknownParameter"},
		{name: "no task", body: `{"ProjectId":"1"}`, want: "MissingParameter"},
		{name: "no project", body: `{"TaskId":"a"}`, want: "MissingParameter"},
		{name: "no parameters", body: `{}`, want: "MissingParameter"},
		{name: "a task that is a number", body: `{"ProjectId":"1","TaskId":7}`, want: "InvalidParameter"},
		{name: "a task that is null", body: `{"ProjectId":"1","TaskId":null}`, want: "InvalidParameter"},
		{name: "an empty task", body: `{"ProjectId":"1","TaskId":""}`, want: "InvalidParameterValue"},
		{name: "a task with a blank", body: `{"ProjectId":"1","TaskId":"a b"}`, want: "InvalidParameterValue"},
		{name: "a task without end", body: `{"ProjectId":"1","TaskId":"` + strings.Repeat("a", 129) + `"}`, want: "InvalidParameterValue"},
		{name: "a commit type that is text", body: `{"ProjectId":"1","TaskId":"a","CommitType":"1"}`, want: "InvalidParameter"},
		{name: "a commit type that is broken", body: `{"ProjectId":"1","TaskId":"a","CommitType":1.5}`, want: "InvalidParameter"},
		{name: "a commit type that is not there", body: `{"ProjectId":"1","TaskId":"a","CommitType":5}`, want: "InvalidParameterValue"},
		{name: "a negative commit type", body: `{"ProjectId":"1","TaskId":"a","CommitType":-1}`, want: "InvalidParameterValue"},
		{name: "a negative version", body: `{"ProjectId":"1","TaskId":"a","InstanceVersion":-1}`, want: "InvalidParameterValue"},
		{name: "a task type that is not there", body: `{"ProjectId":"1","TaskId":"a","TaskType":203}`, want: "InvalidParameterValue"},
		{name: "a description without end", body: `{"ProjectId":"1","TaskId":"a","VersionDesc":"` + strings.Repeat("a", maxDesc+1) + `"}`, want: "InvalidParameterValue"},
		{name: "extConfig as an object", body: `{"ProjectId":"1","TaskId":"a","ExtConfig":{"n":"v"}}`, want: "InvalidParameter"},
		{name: "extConfig with a number", body: `{"ProjectId":"1","TaskId":"a","ExtConfig":[{"Name":"n","Value":1}]}`, want: "InvalidParameter"},
		{name: "extConfig without a name", body: `{"ProjectId":"1","TaskId":"a","ExtConfig":[{"Value":"v"}]}`, want: "InvalidParameter"},
		{name: "extConfig with something else", body: `{"ProjectId":"1","TaskId":"a","ExtConfig":[{"Name":"n","Value":"v","X":1}]}`, want: "InvalidParameter"},
		{name: "extConfig that is null", body: `{"ProjectId":"1","TaskId":"a","ExtConfig":null}`, want: "InvalidParameter"},
		{name: "everything", body: `{"ProjectId":"1","TaskId":"a","CommitType":0,"TaskType":1,"InstanceVersion":1,"VersionDesc":"d","EventDesc":"e","CurrentStatus":3,"ExtConfig":[{"Name":"n","Value":"v"}]}`},
	}
	for _, tt := range tests {
		opts := Options{Accounts: []Account{DefaultAccount(), {SecretID: "AKIDtemporary", SecretKey: "k", Token: "t", UIN: "2"}}}
		do(t, opts, func(t *testing.T, c *client) {
			body := tt.body
			if body == "" {
				body = commit
			}
			r := c.request("CommitIntegrationTask", body)
			if tt.before != nil {
				tt.before(c, r)
			}
			c.sign(r, body)
			if tt.after != nil {
				tt.after(c, r)
			}
			got := c.send(r)
			if got.code() != tt.want || got.RequestID == "" {
				t.Errorf("%s: answered %+v, want %q", tt.name, got.Error, tt.want)
			}
			e := c.server.Ledger()[0]
			if e.Code != tt.want || e.RequestID != got.RequestID || e.Applied != (tt.want == "") || len(c.server.Tasks()) != map[bool]int{true: 1}[tt.want == ""] {
				t.Errorf("%s: recorded %+v", tt.name, e)
			}
		})
	}
}

// A task goes through its life by commits.
func TestCommits(t *testing.T) {
	do(t, Options{}, func(t *testing.T, c *client) {
		steps := []struct {
			commitType, version                   int
			wantStatus, wantVersion, wantRestarts int64
			wantDiscarded                         int
		}{
			{0, 1, StatusNotStarted, 1, 0, 0},
			{1, 2, StatusRunning, 2, 0, 0},
			{0, 3, StatusRunning, 3, 0, 0},
			{3, 4, StatusRunning, 4, 1, 0},
			{4, 5, StatusRunning, 5, 2, 0},
			{2, 6, StatusRunning, 6, 3, 1},
			{4, 2, StatusRunning, 2, 4, 1},
			{1, 0, StatusRunning, 3, 5, 1}, // the next, if none is given
		}
		ids := make(map[string]bool)
		for i, step := range steps {
			body := fmt.Sprintf(`{"ProjectId":"1","TaskId":"a","CommitType":%d,"InstanceVersion":%d}`, step.commitType, step.version)
			if a := c.call("CommitIntegrationTask", body); string(a.Data) != "true" || a.DataDto == nil || a.DataDto.TaskApproveId != nil {
				t.Fatalf("step %d: %+v", i, a)
			}
			task, _ := c.server.Task("1", "a")
			if task.Status != step.wantStatus || task.InstanceVersion != step.wantVersion || task.NumRestarts != step.wantRestarts ||
				task.Discarded != step.wantDiscarded || !task.Submitted || len(task.Operations) != i+1 {
				t.Errorf("step %d: %+v", i, task)
			}
			ids[task.OperateID] = true
			if n := len(c.server.Applied("1", "a")); n != i+1 {
				t.Errorf("step %d: %d applied", i, n)
			}
		}
		if len(ids) != len(steps) {
			t.Errorf("%d ids of operations for %d operations", len(ids), len(steps))
		}
	})
}

func TestKnownOnly(t *testing.T) {
	do(t, Options{KnownOnly: true}, func(t *testing.T, c *client) {
		if got := c.call("CommitIntegrationTask", commit).code(); got != "ResourceNotFound" {
			t.Errorf("answered %q", got)
		}
		c.server.Edit("1", "a", func(*Task) {})
		if got := c.call("CommitIntegrationTask", commit).code(); got != "" {
			t.Errorf("answered %q", got)
		}
	})
}

// The lock is the API document's, to the letter. It does not keep out who holds it.
func TestLock(t *testing.T) {
	do(t, Options{}, func(t *testing.T, c *client) {
		c.server.Lock("1", "a", "100028625403")
		got := c.call("CommitIntegrationTask", commit)
		want := &apiError{"UnsupportedOperation", "CloudApiException: The current task is locked by 100028625403 and cannot be committed"}
		if diff := cmp.Diff(want, got.Error); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		c.server.Lock("1", "a", c.account.UIN)
		if got := c.call("CommitIntegrationTask", commit); got.Error != nil {
			t.Errorf("to who holds it: %+v", got.Error)
		}
		c.server.Lock("1", "a", "")
		if got := c.call("CommitIntegrationTask", commit); got.Error != nil {
			t.Errorf("unlocked: %+v", got.Error)
		}
	})
}

func TestDescribe(t *testing.T) {
	do(t, Options{}, func(t *testing.T, c *client) {
		const describe = `{"ProjectId":"1","TaskId":"a"}`
		if got := c.call("DescribeIntegrationTask", describe).code(); got != "ResourceNotFound" {
			t.Errorf("a task that is not there: %q", got)
		}
		c.server.Edit("1", "a", func(*Task) {})
		if got := c.call("DescribeIntegrationTask", describe).TaskInfo; got["Status"] != float64(StatusNew) || got["Submit"] != false || got["InstanceVersion"] != nil {
			t.Errorf("in development: %v", got)
		}
		c.call("CommitIntegrationTask", commit)
		c.server.Lock("1", "a", "7")
		got := c.call("DescribeIntegrationTask", describe).TaskInfo
		want := map[string]any{
			"Status": float64(StatusRunning), "Submit": true, "HasVersion": true, "InstanceVersion": 3.0, "Locked": true, "Locker": "7",
			"TaskType": 201.0, "OfflineTaskStatus": nil, "NumRestarts": 0.0, "UpdateTime": "2000-01-01 08:00:00",
		}
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s: %v, want %v", name, got[name], value)
			}
		}
		task, _ := c.server.Task("1", "a")
		if last, ok := got["LastOperateInfo"].(map[string]any); !ok || last["OperateId"] != task.OperateID {
			t.Errorf("LastOperateInfo: %v", got["LastOperateInfo"])
		}
		if got := c.call("DescribeIntegrationTask", `{"ProjectId":"1","TaskId":"a","TaskType":202}`).code(); got != "ResourceNotFound" {
			t.Errorf("as an offline task: %q", got)
		}
	})
}

func TestDescribeOffline(t *testing.T) {
	do(t, Options{}, func(t *testing.T, c *client) {
		c.call("CommitIntegrationTask", `{"ProjectId":"1","TaskId":"a","TaskType":202}`)
		got := c.call("DescribeIntegrationTask", `{"ProjectId":"1","TaskId":"a","TaskType":202}`).TaskInfo
		if got["OfflineTaskStatus"] != 2.0 || got["InstanceVersion"] != nil {
			t.Errorf("got %v", got)
		}
	})
}

func TestList(t *testing.T) {
	do(t, Options{Limit: -1}, func(t *testing.T, c *client) {
		for i, task := range []string{"b", "a", "c"} {
			time.Sleep(time.Minute)
			c.server.Edit("1", task, func(t *Task) { t.Submitted, t.Status, t.Name = true, int64(3+i), "n"+task })
		}
		c.server.Edit("1", "new", func(*Task) {})
		c.server.Edit("1", "offline", func(t *Task) { t.Submitted, t.TaskType = true, typeOffline })
		c.server.Edit("2", "other", func(t *Task) { t.Submitted = true })
		const production = `"Filters":[{"Name":"ProductionState","Values":["true"]}]`
		tests := []struct {
			name, body string
			want       string // ids
			total      int
			code       string
		}{
			{name: "development", body: `{"ProjectId":"1","PageNumber":1,"PageSize":10}`, want: "a b c new", total: 4},
			{name: "development, said", body: `{"ProjectId":"1","PageNumber":1,"PageSize":10,"Filters":[{"Name":"ProductionState","Values":["false"]}]}`, want: "a b c new", total: 4},
			{name: "production", body: `{"ProjectId":"1","PageNumber":1,"PageSize":10,` + production + `}`, want: "a b c", total: 3},
			{name: "offline", body: `{"ProjectId":"1","PageNumber":1,"PageSize":10,"TaskType":202,` + production + `}`, want: "offline", total: 1},
			{name: "the first page", body: `{"ProjectId":"1","PageNumber":1,"PageSize":2,` + production + `}`, want: "a b", total: 3},
			{name: "the last page", body: `{"ProjectId":"1","PageSize":2,"PageNumber":2,` + production + `}`, want: "c", total: 3},
			{name: "after the last page", body: `{"ProjectId":"1","PageSize":2,"PageNumber":3,` + production + `}`, total: 3},
			{name: "by time", body: `{"ProjectId":"1","PageNumber":1,"PageSize":10,"OrderFields":[{"Name":"CreateTime","Direction":"ASC"}],` + production + `}`, want: "b a c", total: 3},
			{name: "by name, backwards", body: `{"ProjectId":"1","PageNumber":1,"PageSize":10,"OrderFields":[{"Name":"TaskName","Direction":"DESC"}],` + production + `}`, want: "c b a", total: 3},
			{name: "since a time", body: `{"ProjectId":"1","PageNumber":1,"PageSize":10,"StartTime":"2000-01-01 08:02:00",` + production + `}`, want: "a c", total: 2},
			{name: "until a time", body: `{"ProjectId":"1","PageNumber":1,"PageSize":10,"EndTime":"2000-01-01 08:02:00",` + production + `}`, want: "a b", total: 2},
			{name: "some tasks", body: `{"ProjectId":"1","PageNumber":1,"PageSize":10,"Filters":[{"Name":"TaskId","Values":["a","c"]}]}`, want: "a c", total: 2},
			{name: "running ones", body: `{"ProjectId":"1","PageNumber":1,"PageSize":10,"Filters":[{"Name":"Status","Values":["3"]},{"Name":"ProductionState","Values":["true"]}]}`, want: "b", total: 1},
			{name: "running ones, in development", body: `{"ProjectId":"1","PageNumber":1,"PageSize":10,"Filters":[{"Name":"Status","Values":["3"]}]}`},
			{name: "since a day", body: `{"ProjectId":"1","PageNumber":1,"PageSize":10,"StartTime":"2000-01-01",` + production + `}`, want: "a b c", total: 3},
			{name: "before a day", body: `{"ProjectId":"1","PageNumber":1,"PageSize":10,"EndTime":"2000-01-01",` + production + `}`},
			{name: "no project", body: `{}`, code: "MissingParameter"},
			{name: "no page", body: `{"ProjectId":"1","PageSize":10}`, code: "MissingParameter"},
			{name: "no size", body: `{"ProjectId":"1","PageNumber":1}`, code: "MissingParameter"},
			{name: "page 0", body: `{"ProjectId":"1","PageSize":10,"PageNumber":0}`, code: "InvalidParameterValue"},
			{name: "a page too large", body: `{"ProjectId":"1","PageNumber":1,"PageSize":101}`, code: "InvalidParameterValue"},
			{name: "an unknown filter", body: `{"ProjectId":"1","PageNumber":1,"PageSize":10,"Filters":[{"Name":"Owner","Values":["1"]}]}`, code: "InvalidParameterValue"},
			{name: "a filter that is neither", body: `{"ProjectId":"1","PageNumber":1,"PageSize":10,"Filters":[{"Name":"ProductionState","Values":["yes"]}]}`, code: "InvalidParameterValue"},
			{name: "a filter of a wrong type", body: `{"ProjectId":"1","PageNumber":1,"PageSize":10,"Filters":[{"Name":"TaskId","Values":"a"}]}`, code: "InvalidParameter"},
			{name: "an unknown order", body: `{"ProjectId":"1","PageNumber":1,"PageSize":10,"OrderFields":[{"Name":"Owner","Direction":"ASC"}]}`, code: "InvalidParameterValue"},
			{name: "a time that is none", body: `{"ProjectId":"1","PageNumber":1,"PageSize":10,"StartTime":"today"}`, code: "InvalidParameterValue"},
		}
		for _, tt := range tests {
			a := c.call("DescribeIntegrationTasks", tt.body)
			var ids []string
			for _, info := range a.TaskInfos {
				ids = append(ids, info["TaskId"].(string))
			}
			if got := strings.Join(ids, " "); got != tt.want || a.Total != tt.total || a.code() != tt.code {
				t.Errorf("%s: %q of %d, %q; want %q of %d, %q", tt.name, got, a.Total, a.code(), tt.want, tt.total, tt.code)
			}
		}
	})
}

// The ledger's file has a line for each request, and one more for a request that
// arrives late.
func TestLedgerFile(t *testing.T) {
	var file bytes.Buffer
	do(t, Options{Ledger: &file, Seed: 1}, func(t *testing.T, c *client) {
		c.call("CommitIntegrationTask", commit)
		c.server.Inject(Fault{Effect: EffectLate, LateBy: time.Minute, Times: 1})
		c.call("CommitIntegrationTask", commit)
		c.call("DescribeIntegrationTask", `{"ProjectId":"1","TaskId":"x"}`)
	})
	var got []string
	d := json.NewDecoder(&file)
	for {
		var e Entry
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %s %s/%s v%d %q applied %v as %d", e.N, e.Action, e.ProjectID, e.TaskID, e.InstanceVersion, e.Code, e.Applied, e.Sequence))
	}
	want := []string{
		`1 CommitIntegrationTask 1/a v3 "" applied true as 1`,
		`2 CommitIntegrationTask 1/a v3 "" applied false as 0`,
		`2 CommitIntegrationTask 1/a v3 "" applied true as 2`,
		`3 DescribeIntegrationTask 1/x v0 "ResourceNotFound" applied false as 0`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a task remembers of its operations is bounded, and what was handed out stays.
func TestOperationsAreBounded(t *testing.T) {
	s := New(Options{})
	edit := func() Task { return s.Edit("1", "a", func(*Task) {}) }
	var full Task
	for range maxOperations {
		full = edit()
	}
	oldest, newest := full.Operations[0].OperateID, full.Operations[maxOperations-1].OperateID
	next := edit()
	if n := len(next.Operations); n != maxOperations/2+1 || next.Operations[n-2].OperateID != newest {
		t.Errorf("%d operations after the bound", n)
	}
	if full.Operations[0].OperateID != oldest || len(full.Operations) != maxOperations {
		t.Error("a copy from before has changed")
	}
}

// The ledger in memory is bounded, and late effects find their entry or none.
func TestLedgerIsBounded(t *testing.T) {
	s := New(Options{})
	s.mu.Lock()
	defer s.mu.Unlock()
	for range maxEntries + 10 {
		s.log.add(Entry{})
	}
	if n := len(s.log.entries); n != maxEntries/2+10 {
		t.Errorf("%d entries", n)
	}
	if s.log.entry(1).N != 0 || s.log.entry(maxEntries).N != maxEntries {
		t.Errorf("entries %d and %d", s.log.entry(1).N, s.log.entry(maxEntries).N)
	}
}
