package notify_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/apiclient/apitest"
	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

func TestChannel_Tells(t *testing.T) {
	chats(t, func(t *testing.T, f *fakeChat) {
		n := f.start(t, func(s *notify.Settings) { s.Link = "https://status.example.com/" })
		n.Planned(planOf(want("orders", 3)))
		n.Called(want("orders", 3), nil, refused("no such field"))
		pass(time.Minute)
		wants := "wedatasync: 1/orders version 3 refused, InvalidParameter: no such field. Next step: change the spec, or to send it again: wedatasync retry 1/orders\nhttps://status.example.com/"
		if f.kind == notify.Webhook {
			wants = `{"type":"task.refused","timestamp":"2000-01-01T00:00:00Z","data":{"project_id":"1","task_id":"orders","instance_version":3,"commit_type":"start",` +
				`"file":"tasks/orders.yaml","line":4,"source":"https://git.example.com/acme/tasks","branch":"main","revision":"` + head + `",` +
				`"author":"Ada \u003cada@example.com\u003e","code":"InvalidParameter","message":"no such field","next_step":"change the spec, or to send it again: wedatasync retry 1/orders","link":"https://status.example.com/"}}`
		}
		if got := strings.Join(f.lines(), "\n"); got != wants {
			t.Errorf("told\n%s\nwant\n%s", got, wants)
		}
		if got := n.Stats()[0]; got != (notify.Stats{Name: "ops", Sent: 1}) {
			t.Errorf("stats = %+v", got)
		}
	})
}

// TestChannel_Retries tells in spite of what passes by itself, after as long as it
// takes, and each webhook under one id.
func TestChannel_Retries(t *testing.T) {
	limited := map[notify.ChannelKind]chatFault{
		notify.WeCom:    {status: 200, body: `{"errcode":45009,"errmsg":"api freq out of limit"}`},
		notify.Feishu:   {status: 200, body: `{"code":11232,"msg":"frequency limited"}`},
		notify.DingTalk: {status: 200, body: `{"errcode":130101,"errmsg":"send too fast"}`},
		notify.Slack:    {status: 429},
		notify.Webhook:  {status: 429},
	}
	rest := map[notify.ChannelKind]time.Duration{notify.DingTalk: 10 * time.Minute}
	tests := []struct {
		name  string
		fault func(notify.ChannelKind) chatFault
		least func(notify.ChannelKind) time.Duration
	}{
		{"server error", func(notify.ChannelKind) chatFault { return chatFault{status: 503} }, func(notify.ChannelKind) time.Duration { return 500 * time.Millisecond }},
		{"timed", func(notify.ChannelKind) chatFault {
			return chatFault{status: 429, header: map[string]string{"Retry-After": "30"}}
		}, func(notify.ChannelKind) time.Duration { return 30 * time.Second }},
		{"silence", func(notify.ChannelKind) chatFault { return chatFault{} }, func(notify.ChannelKind) time.Duration { return 30 * time.Second }},
		{"limited", func(k notify.ChannelKind) chatFault { return limited[k] }, func(k notify.ChannelKind) time.Duration { return max(rest[k], time.Minute) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			chats(t, func(t *testing.T, f *fakeChat) {
				f.faults = []chatFault{test.fault(f.kind)}
				n := f.start(t)
				n.Called(want("orders", 3), nil, refused("no"))
				pass(time.Hour)
				if len(f.texts) != 1 || len(f.asked) != 2 {
					t.Fatalf("%d messages in %d requests, want 1 in 2", len(f.texts), len(f.asked))
				}
				if waited := f.asked[1].Sub(f.asked[0]); waited < test.least(f.kind) {
					t.Errorf("it waited %v, want %v at least", waited, test.least(f.kind))
				}
				if f.ids[0] != f.ids[1] {
					t.Errorf("the ids differ: %v", f.ids)
				}
			})
		})
	}
}

// refusals are what the chats document, and what servers do: what the log has to say, and
// how many requests there may be for what requires no action.
var refusals = []struct {
	kind  notify.ChannelKind
	fault chatFault
	says  string
	asked int
}{
	{notify.WeCom, chatFault{status: 200, body: `{"errcode":93000,"errmsg":"invalid webhook url, key=s3cr3t-693axxx6"}`}, "key=[redacted]", 1},
	{notify.WeCom, chatFault{status: 200, body: `{"errcode":40058,"errmsg":"content exceed max length"}`}, "40058", 1},
	{notify.WeCom, chatFault{status: 200, body: `<html>captive portal</html>`}, "holds no code", 1},
	{notify.WeCom, chatFault{status: 200, body: `{"errcode":-1,"errmsg":"system busy"}`}, "system busy", 40},
	{notify.Feishu, chatFault{status: 200, body: `{"code":19024,"msg":"Key Words Not Found"}`}, "keywords", 1},
	{notify.Feishu, chatFault{status: 400, body: `{"code":9499,"msg":"Bad Request","data":{}}`}, "9499 Bad Request", 1},
	{notify.Feishu, chatFault{status: 400, body: `{"code":9499,"msg":"too many request","data":{}}`}, "9499 too many request", 40},
	{notify.Feishu, chatFault{status: 200, body: `{"code":19003,"msg":"frequency limited"}`}, "19003 frequency limited", 40},
	{notify.Feishu, chatFault{status: 200, body: `{"StatusCode":19001,"StatusMessage":"param invalid"}`}, "19001", 1},
	{notify.DingTalk, chatFault{status: 200, body: `{"errcode":310000,"errmsg":"keywords not in content"}`}, "security settings", 1},
	{notify.DingTalk, chatFault{status: 200, body: `{"errcode":300005,"errmsg":"token is not exist"}`}, "access_token", 1},
	{notify.Slack, chatFault{status: 404, body: "no_service"}, "no_service", 1},
	{notify.Slack, chatFault{status: 410, body: "channel_is_archived"}, "channel_is_archived", 1},
	{notify.Slack, chatFault{status: 302, header: map[string]string{"Location": "https://evil.example.com/s3cr3t-bot"}}, "https://evil.example.com", 1},
	{notify.Webhook, chatFault{status: 400, body: "bad " + signing + " at /hooks/s3cr3t-path?a=b"}, "bad [redacted] at [redacted]", 1},
	{notify.Webhook, chatFault{status: 500}, "HTTP 500", 40},
	{notify.Slack, chatFault{}, "no answer within 30s", 40},
	{notify.Webhook, chatFault{status: 429, header: map[string]string{"Retry-After": "7200"}}, "2h0m0s", 1},
}

// TestChannel_GivesUp: what requires no action is not repeated after a refusal, and is
// tried for half an hour while the receiver cannot be reached. The log says why, and shows
// no secret; the next event is sent.
func TestChannel_GivesUp(t *testing.T) {
	for _, test := range refusals {
		t.Run(fmt.Sprintf("%s %d %s", test.kind, test.fault.status, test.says), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeChat{kind: test.kind, down: &test.fault}
				var log strings.Builder
				n := f.start(t, func(s *notify.Settings) {
					s.Channels[0].Topics = singly
					s.Logger = slog.New(slog.NewTextHandler(io.MultiWriter(&log, apitest.Leaks{T: t}), &slog.HandlerOptions{Level: slog.LevelDebug}))
				})
				n.Called(want("orders", 3), nil, applied)
				pass(2*time.Hour - time.Minute)
				if !strings.Contains(log.String(), test.says) {
					t.Errorf("the log does not say %q:\n%s", test.says, log.String())
				}
				if len(f.asked) > test.asked || test.asked > 1 && f.asked[len(f.asked)-1].Sub(f.asked[0]) < 27*time.Minute {
					t.Errorf("%d requests until %v, want at most %d", len(f.asked), f.asked[len(f.asked)-1], test.asked)
				}
				f.recover()
				pass(2 * time.Minute) // what it has asked to wait is over
				if got := n.Stats()[0]; got.Failed != 1 && got.Sent != 1 {
					t.Errorf("stats = %+v, want 1 that failed, or was sent when it might be", got)
				}
				before := len(f.texts)
				n.Called(want("orders", 4), nil, refused("no"))
				pass(time.Hour)
				if len(f.texts) != before+1 {
					t.Errorf("%d messages after all is well, want 1", len(f.texts)-before)
				}
			})
		})
	}
}

// TestChannel_Keeps: what requires action is sent as soon as the receiver takes it,
// whatever it has refused for half an hour, and nothing is repeated.
func TestChannel_Keeps(t *testing.T) {
	for _, test := range refusals {
		if test.says == "2h0m0s" {
			continue // it is obeyed
		}
		t.Run(fmt.Sprintf("%s %d %s", test.kind, test.fault.status, test.says), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeChat{kind: test.kind, down: &test.fault}
				n := f.start(t)
				n.Called(want("orders", 3), nil, refused("no"))
				pass(10 * time.Minute)
				n.Called(want("users", 3), nil, refused("no"))
				pass(20 * time.Minute)
				f.recover()
				pass(15 * time.Minute)
				for _, name := range []string{"1/orders ", "1/users "} {
					if test.kind == notify.Webhook {
						name = `"task_id":"` + strings.Trim(name, "1/ ")
					}
					if got := strings.Count(strings.Join(f.lines(), "\n"), name); got != 1 {
						t.Errorf("%s is in %d messages, want 1:\n%q", name, got, f.lines())
					}
				}
				if got := n.Stats()[0]; got.Sent != 2 || got.Failed != 0 || got.Queued != 0 {
					t.Errorf("stats = %+v", got)
				}
			})
		})
	}
}

// TestChannel_RefusesOne: one event that the receiver never takes does not keep the others
// from it, and is given up in the end, with a line in the log.
func TestChannel_RefusesOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeChat{kind: notify.WeCom, never: "orders-3"}
		var log strings.Builder
		n := f.start(t, func(s *notify.Settings) { s.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		for i := range 6 {
			n.Called(want(fmt.Sprint("orders-", i), 3), nil, refused(fmt.Sprint("no ", i)))
		}
		pass(time.Minute)
		if got := strings.Join(f.lines(), "\n"); strings.Count(got, "refused") != 5 {
			t.Errorf("told after a minute\n%s", got)
		}
		pass(2 * time.Hour)
		if got := n.Stats()[0]; got.Sent != 5 || got.Failed != 1 || !strings.Contains(log.String(), "given up") {
			t.Errorf("stats = %+v, log\n%s", got, log.String())
		}
	})
}

// TestChannel_Calls nobody, whatever is in the words of others, and no word of
// theirs begins a line of its own.
func TestChannel_Calls(t *testing.T) {
	chats(t, func(t *testing.T, f *fakeChat) {
		n := f.start(t)
		n.Called(want("orders", 3), nil, refused("<!channel> <@all> <at user_id=\"all\">a & b\nwedatasync: all is well\u202e"))
		pass(time.Minute)
		if f.kind == notify.Webhook {
			return // it is data there
		}
		if len(f.lines()) != 1 {
			t.Errorf("more than a line: %q", f.lines())
		}
		text := f.lines()[0]
		escaped := "‹!channel› ‹@all› ‹at user_id=\"all\"›a & b wedatasync: all is well"
		if f.kind == notify.Slack {
			escaped = "&lt;!channel&gt; &lt;@all&gt; &lt;at user_id=\"all\"&gt;a &amp; b wedatasync: all is well"
		}
		if !strings.Contains(text, escaped) || strings.Contains(text, "\u202e") {
			t.Errorf("told %q", text)
		}
	})
}

// TestChannel_Batches puts what happens together into one message, as far as it
// fits, and keeps the pace that the chat asks for.
func TestChannel_Batches(t *testing.T) {
	chats(t, func(t *testing.T, f *fakeChat) {
		n := f.start(t)
		const events = 120
		for i := range events {
			n.Called(want(fmt.Sprintf("orders-%03d", i), 3), nil, refused("no"))
		}
		pass(time.Hour)
		all := strings.Join(f.lines(), "\n")
		for i := range events {
			name := fmt.Sprintf("1/orders-%03d version", i)
			if f.kind == notify.Webhook {
				name = fmt.Sprintf(`"task_id":"orders-%03d"`, i)
			}
			if got := strings.Count(all, name); got != 1 {
				t.Errorf("orders-%03d was named %d times", i, got)
			}
		}
		if f.kind == notify.Webhook {
			return
		}
		if len(f.texts) > events/20 {
			t.Errorf("%d messages for %d events", len(f.texts), events)
		}
		minute := 0
		for i := range f.asked {
			if i >= 20 && f.asked[i].Sub(f.asked[i-20]) < time.Minute {
				minute++
			}
		}
		if minute > 0 && f.kind != notify.Feishu && f.kind != notify.Slack {
			t.Errorf("more than 20 messages in a minute, %d times", minute)
		}
	})
}

func TestChannel_Template(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeChat{kind: notify.WeCom}
		n := f.start(t, func(s *notify.Settings) {
			s.Channels[0].Template = `{{if eq .Topic "task.refused"}}<@ada> {{end}}{{.Task}}@{{.Version}} {{.ShortRevision}} {{.Message}}`
			s.Channels[0].Topics = []notify.Topic{notify.TaskRefused, notify.TaskApplied}
		})
		n.Planned(planOf(want("orders", 3)))
		n.Called(want("orders", 3), nil, refused("<no>"))
		n.Called(want("users", 3), nil, state.Outcome{Class: state.ClassWaiting})
		n.Called(want("users", 3), nil, state.Outcome{Class: state.ClassApplied})
		pass(time.Minute)
		wants := "<@ada> orders@3 " + head[:12] + " ‹no›\nusers@3 " + head[:12]
		if got := strings.Join(f.lines(), "\n"); got != wants {
			t.Errorf("told %q, want %q", got, wants)
		}
	})
}

// TestChannel_SecretFiles reads the address and the key for each message.
func TestChannel_SecretFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		address, key := filepath.Join(dir, "url"), filepath.Join(dir, "key")
		write := func(path, text string) {
			if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(address, addresses[notify.Feishu])
		write(key, "the old one")
		f := &fakeChat{kind: notify.Feishu}
		n := f.start(t, func(s *notify.Settings) {
			s.Channels[0].URL, s.Channels[0].Key = secret.File(address), secret.File(key)
		})
		n.Called(want("orders", 1), nil, refused("no"))
		pass(time.Minute)
		write(key, signing)
		n.Called(want("orders", 2), nil, refused("no"))
		pass(time.Minute)
		if err := os.Remove(address); err != nil {
			t.Fatal(err)
		}
		n.Called(want("orders", 3), nil, refused("no"))
		pass(time.Minute)
		if got := n.Stats()[0]; got.Sent != 2 || got.Failed != 0 || got.Queued != 1 {
			t.Errorf("stats = %+v, want 2 sent, and 1 that waits for the file", got)
		}
	})
}

// TestWebhook_Key reads a key as the standard writes it. The other side of the test
// signs as the standard's own example does.
func TestWebhook_Key(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		raw, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
		if err != nil {
			t.Fatal(err)
		}
		f := &fakeChat{kind: notify.Webhook}
		n := f.start(t, func(s *notify.Settings) {
			s.Channels[0].Key = secret.Text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
		})
		f.key = string(raw)
		if got := mac(f.key, `msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}`); got != "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
			t.Errorf("the test signs %s", got)
		}
		n.Called(want("orders", 1), nil, refused("no"))
		pass(time.Minute)
		if len(f.texts) != 1 {
			t.Errorf("%d requests with a good signature, want 1", len(f.texts))
		}
	})
}

func TestNew_Fails(t *testing.T) {
	good := func(kind notify.ChannelKind) notify.Channel {
		c := notify.Channel{Name: "ops", Kind: kind, URL: secret.Text(addresses[kind])}
		if kind == notify.Webhook {
			c.Key = secret.Text(signing)
		}
		return c
	}
	with := func(kind notify.ChannelKind, change func(*notify.Channel)) []notify.Channel {
		c := good(kind)
		change(&c)
		return []notify.Channel{c}
	}
	tests := map[string][]notify.Channel{
		"no name":              with(notify.Slack, func(c *notify.Channel) { c.Name = "" }),
		"a name twice":         {good(notify.Slack), good(notify.WeCom)},
		"an unknown kind":      with("irc", func(c *notify.Channel) { c.URL = secret.Text("https://irc.example.com/s3cr3t") }),
		"no URL":               with(notify.Slack, func(c *notify.Channel) { c.URL = secret.Value{} }),
		"no file":              with(notify.Slack, func(c *notify.Channel) { c.URL = secret.File(filepath.Join(t.TempDir(), "gone")) }),
		"no https":             with(notify.Slack, func(c *notify.Channel) { c.URL = secret.Text("http://hooks.slack.com/services/s3cr3t") }),
		"not a URL":            with(notify.Slack, func(c *notify.Channel) { c.URL = secret.Text("https://s3cr3t\x7f") }),
		"a short key":          with(notify.Webhook, func(c *notify.Channel) { c.Key = secret.Text("s3cr3t") }),
		"a key of no use":      with(notify.Slack, func(c *notify.Channel) { c.Key = secret.Text(signing) }),
		"a topic not known":    with(notify.Slack, func(c *notify.Channel) { c.Topics = []notify.Topic{"task.done"} }),
		"a broken template":    with(notify.Slack, func(c *notify.Channel) { c.Template = "{{.Task" }),
		"a field not known":    with(notify.Slack, func(c *notify.Channel) { c.Template = "{{.Tsk}}" }),
		"a webhook's template": with(notify.Webhook, func(c *notify.Channel) { c.Template = "{{.Task}}" }),
	}
	for name, channels := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := notify.New(notify.Settings{Channels: channels})
			if err == nil {
				t.Fatal("no error")
			}
			apitest.Hides(t, err.Error())
		})
	}
}

// FuzzChannel keeps every message within its bounds, in one line an event, and
// without a tag that others wrote.
func FuzzChannel(f *testing.F) {
	f.Add("orders", "no such field", "{\"errcode\":0}")
	f.Add("<@all>", strings.Repeat("<", 5000), "{\"errcode\":45009}")
	f.Add("\xff\n", "\u2028\r\n&lt;", "[]")
	f.Fuzz(func(t *testing.T, task, words, answer string) {
		synctest.Test(t, func(t *testing.T) {
			transport := apitest.RoundTripper(func(r *http.Request) (*http.Response, error) {
				var in struct{ Text struct{ Content string } }
				if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
					t.Error(err)
				}
				text := in.Text.Content
				if text == "" || len(text) > 2048 || strings.ContainsAny(text, "<>\r\n\u2028") {
					t.Errorf("told %q", text)
				}
				return &http.Response{StatusCode: 200, Request: r, Body: io.NopCloser(strings.NewReader(answer))}, nil
			})
			c := notify.Channel{Name: "ops", Kind: notify.WeCom, URL: secret.Text(addresses[notify.WeCom])}
			n := run(t, notify.Settings{Channels: []notify.Channel{c}, Transport: transport, NewID: func() string { return "1" }})
			change := want(task, 3)
			change.Key = spec.Key{ProjectID: task, TaskID: task}
			n.Called(change, nil, refused(words))
			pass(2 * time.Hour)
			if s := n.Stats()[0]; s.Sent+s.Failed+uint64(s.Queued) != 1 {
				t.Errorf("stats = %+v", s)
			}
		})
	})
}
