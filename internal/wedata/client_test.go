package wedata_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
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
			UpdateTime:      "2000-01-01 08:00:00",
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
	want("found by somebody else", true)
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

// Each way a server can go wrong is met once, and taken for what it can be.
func TestCommitAgainstServersThatGoWrong(t *testing.T) {
	foreign, foreignRequests := serve(t, say(applied))
	redirect := func(status int) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", strings.Replace(foreign, "127.0.0.1", "localhost", 1))
			w.WriteHeader(status)
		}
	}
	tests := []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request)
		code   string
	}{
		{"closes the connection", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, wedata.CodeBroken},
		{"resets the connection", reset, wedata.CodeBroken},
		{"closes it in the middle of the answer", half, wedata.CodeBroken},
		{"sends a gibibyte", endless, wedata.CodeTooLarge},
		{"sends a byte more than it may", say(applied + strings.Repeat(" ", 1<<20+1-len(applied))), wedata.CodeTooLarge},
		{"sends headers without end", manyHeaders, wedata.CodeNetwork},
		{"does not speak HTTP", babble, wedata.CodeNetwork},
		{"compresses the answer", zipped, wedata.CodeMalformed},
		{"streams events", events, wedata.CodeMalformed},
		{"sends a page with 502", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) }, wedata.CodeStatus},
		{"sends a page with 200", say("<html>"), wedata.CodeMalformed},
		{"sends {}", say("{}"), wedata.CodeMalformed},
		{"answers 299", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(299) }, wedata.CodeStatus},
		{"answers 300", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(300) }, wedata.CodeRedirect},
		{"answers 399", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(399) }, wedata.CodeRedirect},
		{"answers 400", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400) }, wedata.CodeStatus},
		{"redirects with 301", redirect(301), wedata.CodeRedirect},
		{"redirects with 302", redirect(302), wedata.CodeRedirect},
		{"redirects with 303", redirect(303), wedata.CodeRedirect},
		{"redirects with 307", redirect(307), wedata.CodeRedirect},
		{"redirects with 308", redirect(308), wedata.CodeRedirect},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url, requests := serve(t, tt.answer)
			c := newClient(t, url, nil)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			out, timing := c.Commit(t.Context(), commitOf("a"), nil)
			runtime.ReadMemStats(&after)
			if out.Class != state.ClassUnknown || out.Code != tt.code || timing.Wrote.IsZero() {
				t.Errorf("got %+v, want unknown %s", out, tt.code)
			}
			if n := len(requests()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
				t.Errorf("allocated %d bytes", used)
			}
		})
	}
	if n := len(foreignRequests()); n != 0 {
		t.Errorf("%d requests reached another host", n)
	}
}

func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, _ := http.NewResponseController(w).Hijack()
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func half(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "42")
	_, _ = io.WriteString(w, applied[:21])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func endless(w http.ResponseWriter, _ *http.Request) {
	chunk := bytes.Repeat([]byte(" "), 1<<16)
	for range 1 << 14 {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func manyHeaders(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X", strings.Repeat("x", 1<<20))
	_, _ = io.WriteString(w, applied)
}

func babble(w http.ResponseWriter, _ *http.Request) {
	conn, _, _ := http.NewResponseController(w).Hijack()
	_, _ = io.WriteString(conn, "220 mail.example.com ESMTP\r\n\r\n")
	_ = conn.Close()
}

func zipped(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = io.WriteString(w, "\x1f\x8b\x08\x00\x00\x00\x00\x00")
}

func events(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, "data: "+applied+"\n\n")
}

// A server that ends the connection at once may or may not have been written to.
// Whichever it was, the outcome is not a third thing.
func TestCommitToAServerThatResetsAtOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	}()
	c := newClient(t, "http://"+l.Addr().String(), nil)
	for range 50 {
		out, timing := c.Commit(t.Context(), commitOf("a"), nil)
		wrote := !timing.Wrote.IsZero()
		if wrote && out.Class != state.ClassUnknown || !wrote && out.Class != state.ClassNotSent {
			t.Fatalf("written %v: %+v", wrote, out)
		}
	}
}

func TestCommitThatIsNotSent(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	https := func(version uint16) *httptest.Server {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(say(applied)))
		srv.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version}
		srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		srv.StartTLS()
		t.Cleanup(srv.Close)
		return srv
	}
	untrusted, old := https(tls.VersionTLS13), https(tls.VersionTLS11)
	plain, plainRequests := serve(t, say(applied))
	tests := []struct {
		name     string
		endpoint string
		change   func(*wedata.Config)
		code     string
	}{
		{"nothing listens", "http://" + closed.Addr().String(), nil, wedata.CodeNoConnection},
		{"the name does not resolve", "wedata.invalid", func(cfg *wedata.Config) {
			cfg.Dial = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "wedata.invalid", IsNotFound: true}}
			}
		}, wedata.CodeUnknownHost},
		{"the certificate is not trusted", untrusted.URL, nil, wedata.CodeUntrusted},
		{"TLS is too old", old.URL, func(cfg *wedata.Config) {
			cfg.RootCAs = old.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
		}, wedata.CodeUntrusted},
		{"there is no TLS", strings.Replace(plain, "http:", "https:", 1), nil, wedata.CodeUntrusted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, timing := newClient(t, tt.endpoint, tt.change).Commit(t.Context(), commitOf("a"), nil)
			if out.Class != state.ClassNotSent || out.Code != tt.code || !timing.Wrote.IsZero() {
				t.Errorf("got %+v, want not-sent %s", out, tt.code)
			}
		})
	}
	if n := len(plainRequests()); n != 0 {
		t.Errorf("%d requests went out without TLS", n)
	}
}

func TestCommitOverTLS(t *testing.T) {
	rec := &recorder{answer: say(applied)}
	srv := httptest.NewTLSServer(rec)
	t.Cleanup(srv.Close)
	c := newClient(t, srv.URL, func(cfg *wedata.Config) {
		cfg.RootCAs = srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	})
	for range 2 {
		if out, _ := c.Commit(t.Context(), commitOf("a"), nil); out.Class != state.ClassApplied {
			t.Errorf("got %+v", out)
		}
	}
	if n := len(rec.requests()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

// A request that takes too long is unknown, whether the server acted on it, will
// act, or never does: only what it did tells.
func TestCommitInTime(t *testing.T) {
	tests := []struct {
		name    string
		fault   wedatasim.Fault
		applied int
	}{
		{"acts too late", wedatasim.Fault{Delay: time.Minute}, 1},
		{"acts, and answers too late", wedatasim.Fault{Hold: time.Minute}, 1},
		{"acts, and never answers", wedatasim.Fault{Answer: wedatasim.ReplyHang}, 1},
		{"never acts, never answers", wedatasim.Fault{Effect: wedatasim.EffectNever, Answer: wedatasim.ReplyHang}, 0},
		{"answers a byte at a time", wedatasim.Fault{Answer: wedatasim.ReplySlow}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim, c := newSim(t, wedatasim.Options{})
				sim.Inject(tt.fault)
				start := time.Now()
				out, _ := c.Commit(t.Context(), commitOf("a"), nil)
				if took := time.Since(start); took != wedata.MaxTimeout {
					t.Errorf("took %s, want %s", took, wedata.MaxTimeout)
				}
				if out.Class != state.ClassUnknown || out.Code != wedata.CodeTimeout {
					t.Errorf("got %+v, want unknown", out)
				}
				time.Sleep(2 * time.Minute)
				if n := len(sim.Applied("1", "a")); n != tt.applied || len(sim.Ledger()) != 1 {
					t.Errorf("applied %d of %d requests, want %d of 1", n, len(sim.Ledger()), tt.applied)
				}
			})
		})
	}
}

// Until the connection stands, time that runs out means that nothing was sent.
func TestCommitThatCannotConnectInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "http://127.0.0.1", func(cfg *wedata.Config) {
			cfg.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		})
		out, timing := c.Commit(t.Context(), commitOf("a"), nil)
		if out.Class != state.ClassNotSent || out.Code != wedata.CodeTimeout || !timing.Wrote.IsZero() {
			t.Errorf("got %+v", out)
		}
	})
}

func TestCommitWhoseContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, c := newSim(t, wedatasim.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if out, _ := c.Commit(ctx, commitOf("a"), nil); out.Class != state.ClassNotSent {
			t.Errorf("before it was sent: %+v", out)
		}
		sim.Inject(wedatasim.Fault{Answer: wedatasim.ReplyHang})
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if out, _ := c.Commit(ctx, commitOf("a"), nil); out.Class != state.ClassUnknown || out.Code != wedata.CodeCanceled {
			t.Errorf("in flight: %+v", out)
		}
	})
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
