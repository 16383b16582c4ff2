package wedata_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// The canaries are in nothing that is kept or shown.
const (
	canaryID    = "AKIDcanary0123456789abcdef"
	canaryKey   = "canarykey0123456789abcdef"
	canaryToken = "canarytoken/0123+456789=abcdef"
)

// newClient returns a client of the endpoint, changed by change if it is not nil.
func newClient(t *testing.T, endpoint string, change func(*wedata.Config)) *wedata.Client {
	t.Helper()
	cfg := wedata.Config{
		Endpoint:    endpoint,
		Region:      "ap-guangzhou",
		Credentials: wedata.StaticCredentials(canaryID, canaryKey, canaryToken),
	}
	if change != nil {
		change(&cfg)
	}
	c, err := wedata.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// newSim returns a simulator and its client, connected in memory.
func newSim(t *testing.T, opts wedatasim.Options) (*wedatasim.Server, *wedata.Client) {
	t.Helper()
	opts.Accounts = []wedatasim.Account{{SecretID: canaryID, SecretKey: canaryKey, Token: canaryToken, UIN: "1"}}
	sim := wedatasim.New(opts)
	t.Cleanup(func() { _ = sim.Close() })
	return sim, newClient(t, "http://127.0.0.1", func(cfg *wedata.Config) { cfg.Dial = sim.Dial })
}

// commitOf returns a commit of a task.
func commitOf(task string) *spec.Commit {
	return &spec.Commit{Key: spec.Key{ProjectID: "1", TaskID: task}, CommitType: spec.Start, InstanceVersion: 3}
}

func TestCommitAndReadBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, c := newSim(t, wedatasim.Options{})
		want := commitOf("a")
		out, timing := c.Commit(t.Context(), want, nil)
		if out.Class != state.ClassApplied || out.RequestID == "" || timing.Wrote.IsZero() {
			t.Fatalf("got %+v, %+v", out, timing)
		}
		time.Sleep(time.Second)
		live, err := c.Read(t.Context(), want.Key, want.TaskType, nil)
		if err != nil {
			t.Fatal(err)
		}
		task, _ := sim.Task("1", "a")
		wantLive := &state.Live{
			InstanceVersion: 3,
			Status:          state.TaskRunning,
			Submitted:       true,
			OperateID:       task.OperateID,
			Operator:        task.OperatorUIN,
			NumRestarts:     new(int64(0)),
			UpdateTime:      "2000-01-01 08:00:00",
			Vitals:          &state.Vitals{BusinessLatency: state.Untold, ReadPhase: state.Untold},
			RunningOrder:    task.RunCount,
		}
		if diff := cmp.Diff(wantLive, live); diff != "" {
			t.Errorf("live (-want +got):\n%s", diff)
		}
	})
}

// TestReload_SomebodyElse: who asks after a refusal whether there are others is told
// so too if somebody else has already found them.
func TestReload_SomebodyElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials")
	write := func(id string) {
		t.Helper()
		if err := os.WriteFile(path, fmt.Appendf(nil, "[default]\nsecret_id=%s\nsecret_key=k\n", id), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old")
	credentials, err := wedata.FindCredentials(t.Context(), wedata.CredentialSources{Getenv: func(name string) string {
		return map[string]string{"TENCENTCLOUD_CREDENTIALS_FILE": path}[name]
	}})
	if err != nil {
		t.Fatal(err)
	}
	sim := wedatasim.New(wedatasim.Options{Accounts: []wedatasim.Account{{SecretID: "new", SecretKey: "k"}}})
	endpoint := httptest.NewServer(sim)
	t.Cleanup(endpoint.Close)
	c := newClient(t, endpoint.URL, func(cfg *wedata.Config) { cfg.Credentials = credentials })
	want := func(when string, changed bool) {
		t.Helper()
		if got, err := c.Reload(t.Context()); got != changed || err != nil {
			t.Errorf("%s: changed %v, error %v", when, got, err)
		}
	}
	want("before anything", false)
	if out, _ := c.Commit(t.Context(), commitOf("a"), nil); out.Class != state.ClassAuth {
		t.Fatalf("got %+v", out)
	}
	want("with the same on disk", false)
	write("new")
	if changed, err := credentials.Reload(t.Context()); !changed || err != nil {
		t.Errorf("changed %v, error %v", changed, err)
	}
	if err := os.WriteFile(path, []byte("[default]\nsecret_id=half"), 0o600); err != nil {
		t.Fatal(err)
	}
	want("found by somebody else, with half of the next file on disk", true)
	if _, err := c.Reload(t.Context()); err == nil {
		t.Error("half a file is no error where nothing was refused")
	}
	if out, _ := c.Commit(t.Context(), commitOf("a"), nil); out.Class != state.ClassApplied {
		t.Errorf("got %+v", out)
	}
}

// captured is one request as a server read it.
type captured struct {
	header http.Header
	body   string
	from   string
}

// recorder answers every request alike and keeps it.
type recorder struct {
	mu     sync.Mutex
	got    []captured
	answer func(w http.ResponseWriter, r *http.Request)
}

func (s *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		s.mu.Lock()
		s.got = append(s.got, captured{r.Header.Clone(), string(body), r.RemoteAddr})
		s.mu.Unlock()
	}
	s.answer(w, r)
}

func (s *recorder) requests() []captured {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// serve starts a server that answers so.
func serve(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) (url string, requests func() []captured) {
	t.Helper()
	rec := &recorder{answer: answer}
	srv := httptest.NewServer(rec)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(srv.Close)
	return srv.URL, rec.requests
}

// say answers with the body.
func say(body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}
}

const applied = `{"Response":{"Data":true,"RequestId":"r"}}`

// The bodies are those of the two examples of the API document.
func TestCommitSendsTheExamplesOfTheDocument(t *testing.T) {
	tests := []struct {
		commit *spec.Commit
		want   string
	}{
		{
			&spec.Commit{
				Key:             spec.Key{TaskID: "kb947c997-4f91-4a1f-913d-06f66a5fb927", ProjectID: "1486804694126882816"},
				CommitType:      spec.Start,
				TaskType:        spec.Realtime,
				VersionDesc:     "v1",
				InstanceVersion: 3,
			},
			`{"TaskId":"kb947c997-4f91-4a1f-913d-06f66a5fb927","ProjectId":"1486804694126882816","CommitType":1,"TaskType":201,"VersionDesc":"v1","InstanceVersion":3}`,
		},
		{
			&spec.Commit{
				Key:        spec.Key{TaskID: "3cd6b1b3-76a0-4147-8f0e-6df206bc58c0", ProjectID: "1"},
				CommitType: spec.Submit,
				TaskType:   1,
				ExtConfig:  []spec.Param{{Name: "name1", Value: "1"}},
			},
			`{"TaskId":"3cd6b1b3-76a0-4147-8f0e-6df206bc58c0","ProjectId":"1","CommitType":0,"TaskType":1,"ExtConfig":[{"Name":"name1","Value":"1"}]}`,
		},
		{
			&spec.Commit{
				Key:       spec.Key{TaskID: "t", ProjectID: "p"},
				EventDesc: "nightly",
				ExtConfig: []spec.Param{{Name: "b", Value: ""}, {Name: "a", Value: "ü"}},

				DependsOn: []spec.Key{{ProjectID: "p", TaskID: "u"}}, DiscardState: 4, Rerun: "x", Suspend: true,
			},
			`{"TaskId":"t","ProjectId":"p","CommitType":0,"ExtConfig":[{"Name":"b","Value":""},{"Name":"a","Value":"ü"}],"EventDesc":"nightly"}`,
		},
	}
	url, requests := serve(t, say(applied))
	c := newClient(t, url, nil)
	for i, tt := range tests {
		if out, _ := c.Commit(t.Context(), tt.commit, nil); out.Class != state.ClassApplied {
			t.Fatalf("got %+v", out)
		}
		if got := requests()[i].body; got != tt.want {
			t.Errorf("sent\n%s\nwant\n%s", got, tt.want)
		}
	}
}

// The largest answer that may be is read whole.
func TestCommitWithALargeAnswer(t *testing.T) {
	url, _ := serve(t, say(applied+strings.Repeat(" ", 1<<20-len(applied))))
	if out, _ := newClient(t, url, nil).Commit(t.Context(), commitOf("a"), nil); out.Class != state.ClassApplied {
		t.Errorf("got %+v", out)
	}
}

func TestHeaders(t *testing.T) {
	url, requests := serve(t, say(applied))
	c := newClient(t, url, func(cfg *wedata.Config) { cfg.UserAgent = "wedatasync/1.2.3" })
	c.Commit(t.Context(), commitOf("a"), nil)
	h := requests()[0].header
	for name, want := range map[string]string{
		"X-Tc-Action":       "CommitIntegrationTask",
		"X-Tc-Version":      "2021-08-20",
		"X-Tc-Region":       "ap-guangzhou",
		"X-Tc-Language":     "en-US",
		"X-Tc-Token":        canaryToken,
		"Content-Type":      "application/json",
		"User-Agent":        "wedatasync/1.2.3",
		"Connection":        "close",
		"Accept-Encoding":   "",
		"Idempotency-Key":   "",
		"X-Idempotency-Key": "",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// A commit has a connection of its own, reads share one.
func TestConnections(t *testing.T) {
	url, requests := serve(t, say(`{"Response":{"Data":true,"TaskInfo":{"TaskId":"a"},"RequestId":"r"}}`))
	c := newClient(t, url, nil)
	for range 3 {
		_, timing := c.Commit(t.Context(), commitOf("a"), nil)
		if timing.Connect <= 0 || timing.RoundTrip <= 0 || timing.Wrote.IsZero() {
			t.Errorf("timing %+v", timing)
		}
	}
	for range 3 {
		if _, err := c.Read(t.Context(), commitOf("a").Key, 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	from := make(map[string]int)
	for _, r := range requests() {
		from[r.header.Get("X-Tc-Action")+" "+r.from]++
	}
	if len(from) != 4 {
		t.Errorf("6 requests came from %d connections, want 4: %v", len(from), from)
	}
}

// What the endpoint repeats of the credentials is neither kept nor logged.
func TestSecretsStayHere(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) {
		h := r.Header
		say(`{"Response":{"Error":{"Code":"AuthFailure.SecretIdNotFound","Message":"no id in `+h.Get("Authorization")+
			` with `+h.Get("X-Tc-Token")+`"},"RequestId":"`+canaryID+`"}}`)(w, r)
	}
	url, _ := serve(t, echo)
	var log bytes.Buffer
	c := newClient(t, url, func(cfg *wedata.Config) {
		cfg.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	out, _ := c.Commit(t.Context(), commitOf("a"), nil)
	_, err := c.Read(t.Context(), commitOf("a").Key, 0, nil)
	if out.Class != state.ClassAuth || err == nil || log.Len() == 0 {
		t.Fatalf("got %+v, %v", out, err)
	}
	for _, text := range []string{out.Message, out.RequestID, err.Error(), log.String()} {
		for _, secret := range []string{canaryID, canaryKey, canaryToken} {
			if strings.Contains(text, secret) {
				t.Errorf("%q is in %q", secret, text)
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := wedata.Config{Endpoint: "wedata.tencentcloudapi.com", Region: "ap-guangzhou", Credentials: wedata.StaticCredentials("a", "b", "")}
	tests := []struct {
		name   string
		change func(*wedata.Config)
		want   string // "" if it is fine
	}{
		{"the cloud", func(*wedata.Config) {}, ""},
		{"a host with a port", func(c *wedata.Config) { c.Endpoint = "wedata.internal.tencentcloudapi.com:8443" }, ""},
		{"a URL", func(c *wedata.Config) { c.Endpoint = "https://wedata.intl.tencentcloudapi.com/" }, ""},
		{"http to this machine", func(c *wedata.Config) { c.Endpoint = "http://127.0.0.1:9741" }, ""},
		{"http to this machine by name", func(c *wedata.Config) { c.Endpoint = "http://localhost:9741" }, ""},
		{"http to this machine over IPv6", func(c *wedata.Config) { c.Endpoint = "http://[::1]:9741" }, ""},
		{"http to another", func(c *wedata.Config) { c.Endpoint = "http://wedata.tencentcloudapi.com" }, "leave over plain http"},
		{"http to an address of the net", func(c *wedata.Config) { c.Endpoint = "http://10.0.0.1" }, "leave over plain http"},
		{"http to what only looks local", func(c *wedata.Config) { c.Endpoint = "http://127.0.0.1.example.com" }, "leave over plain http"},
		{"another scheme", func(c *wedata.Config) { c.Endpoint = "ftp://127.0.0.1" }, "the scheme is https"},
		{"nothing", func(c *wedata.Config) { c.Endpoint = "" }, "no host"},
		{"a user", func(c *wedata.Config) { c.Endpoint = "https://u:p@wedata.tencentcloudapi.com" }, "holds a user name"},
		{"a path", func(c *wedata.Config) { c.Endpoint = "https://wedata.tencentcloudapi.com/x" }, "only a scheme"},
		{"a query", func(c *wedata.Config) { c.Endpoint = "https://wedata.tencentcloudapi.com?x" }, "only a scheme"},
		{"a blank", func(c *wedata.Config) { c.Endpoint = "a b" }, "not a host"},
		{"a control character", func(c *wedata.Config) { c.Endpoint = "a\x7fb" }, "not a host"},
		{"no region", func(c *wedata.Config) { c.Region = "" }, "read region"},
		{"no such form of a region", func(c *wedata.Config) { c.Region = "Guangzhou\n" }, "read region"},
		{"no credentials", func(c *wedata.Config) { c.Credentials = nil }, "no credentials"},
		{"too much time", func(c *wedata.Config) { c.Timeout = 11 * time.Second }, "timeout 11s"},
		{"less than no time", func(c *wedata.Config) { c.Timeout = -1 }, "timeout -1ns"},
	}
	for _, tt := range tests {
		cfg := good
		tt.change(&cfg)
		_, err := wedata.New(cfg)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		case err != nil && strings.Contains(err.Error(), "u:p"):
			t.Errorf("%s: the error shows the password: %v", tt.name, err)
		}
	}
}
