package notify_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/apiclient/apitest"
	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/state"
)

// singly are the topics of a channel that wants a message for each outcome, and no summaries.
var singly = slices.DeleteFunc(notify.Topics(), func(t notify.Topic) bool { return t == notify.ReleaseDone })

// signing is the key of all channels that sign.
const signing = "s3cr3t-key-of-24-bytes-or-more"

// addresses are where the channels are, each with a secret in it.
var addresses = map[notify.ChannelKind]string{
	notify.WeCom:    "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=s3cr3t-693axxx6",
	notify.Feishu:   "https://open.feishu.cn/open-apis/bot/v2/hook/s3cr3t-hook",
	notify.DingTalk: "https://oapi.dingtalk.com/robot/send?access_token=s3cr3t-token",
	notify.Slack:    "https://hooks.slack.com/services/T000/B000/s3cr3t-bot",
	notify.Webhook:  "https://receiver.example.com/hooks/s3cr3t-path?a=b",
}

var channelKinds = []notify.ChannelKind{notify.WeCom, notify.Feishu, notify.DingTalk, notify.Slack, notify.Webhook}

// fakeChat answers as the chats document it, and checks what they check.
type fakeChat struct {
	t    *testing.T
	kind notify.ChannelKind
	key  string

	mu     sync.Mutex
	faults []chatFault
	down   *chatFault // answers every request, while it is set
	never  string     // a message that has it is refused
	heard  func(text string)
	asked  []time.Time // when each request came
	ids    []string    // of each webhook request
	texts  []string    // that were posted
}

func (f *fakeChat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	f.asked = append(f.asked, time.Now())
	f.ids = append(f.ids, r.Header.Get("Webhook-Id"))
	if f.never != "" && strings.Contains(string(body), f.never) {
		_, _ = io.WriteString(w, `{"errcode":40058,"errmsg":"invalid content"}`)
		return
	}
	if f.down != nil {
		f.faults = []chatFault{*f.down}
	}
	if len(f.faults) > 0 {
		fault := f.faults[0]
		f.faults = f.faults[1:]
		if fault.status == 0 { // it is silent
			f.mu.Unlock()
			<-r.Context().Done()
			f.mu.Lock()
			return
		}
		for name, value := range fault.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(fault.status)
		_, _ = io.WriteString(w, fault.body)
		return
	}
	want, _ := url.Parse(addresses[f.kind])
	if r.Method != "POST" || r.URL.Path != want.Path || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		f.t.Errorf("%s %s with %s", r.Method, r.URL, r.Header.Get("Content-Type"))
	}
	if f.heard != nil {
		f.heard(string(body))
	}
	var in map[string]any
	if err := json.Unmarshal(body, &in); err != nil {
		f.t.Errorf("not JSON: %s", body)
	}
	switch f.kind {
	case notify.WeCom:
		f.post(w, in["text"], "content", 2048, `{"errcode":0,"errmsg":"ok"}`)
	case notify.DingTalk:
		stamp := r.URL.Query().Get("timestamp")
		if millis, _ := strconv.ParseInt(stamp, 10, 64); !near(millis/1000) || r.URL.Query().Get("sign") != mac(f.key, stamp+"\n"+f.key) || r.URL.Query().Get("access_token") != "s3cr3t-token" {
			_, _ = io.WriteString(w, `{"errcode":310000,"errmsg":"sign not match"}`)
			return
		}
		f.post(w, in["text"], "content", 20_000, `{"errcode":0,"errmsg":"ok"}`)
	case notify.Feishu:
		stamp, _ := in["timestamp"].(string)
		if seconds, _ := strconv.ParseInt(stamp, 10, 64); !near(seconds) || in["sign"] != mac(stamp+"\n"+f.key, "") {
			_, _ = io.WriteString(w, `{"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time"}`)
			return
		}
		f.post(w, in["content"], "text", 20_000, `{"StatusCode":0,"StatusMessage":"success","code":0,"msg":"success","data":{}}`)
	case notify.Slack:
		f.post(w, in, "text", 40_000, "ok")
	case notify.Webhook:
		id, stamp := r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp")
		if seconds, _ := strconv.ParseInt(stamp, 10, 64); !near(seconds) || id == "" || r.Header.Get("Webhook-Signature") != "v1,"+mac(f.key, id+"."+stamp+"."+string(body)) {
			w.WriteHeader(401)
			return
		}
		f.texts = append(f.texts, string(body))
		w.WriteHeader(204)
	}
}

func (f *fakeChat) post(w http.ResponseWriter, in any, field string, limit int, ok string) {
	text, _ := in.(map[string]any)[field].(string)
	if text == "" || len(text) > limit {
		f.t.Errorf("a message of %d bytes", len(text))
	}
	f.texts = append(f.texts, text)
	_, _ = io.WriteString(w, ok)
}

func near(seconds int64) bool { return time.Since(time.Unix(seconds, 0)).Abs() < time.Hour }

func mac(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// recover has the chat take messages again.
func (f *fakeChat) recover() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down, f.faults = nil, nil
}

// lines lists what people were told.
func (f *fakeChat) lines() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for _, text := range f.texts {
		lines = append(lines, strings.Split(text, "\n")...)
	}
	return lines
}

// start opens a notifier with one channel to the chat, and runs it to the end of
// the test.
func (f *fakeChat) start(t *testing.T, change ...func(*notify.Settings)) *notify.Notifier {
	t.Helper()
	f.t = t
	c := notify.Channel{Name: "ops", Kind: f.kind, URL: secret.Text(addresses[f.kind])}
	if f.kind != notify.WeCom && f.kind != notify.Slack {
		f.key = signing
		c.Key = secret.Text(signing)
	}
	id := 0
	s := notify.Settings{
		Channels:  []notify.Channel{c},
		Transport: apitest.Insecure{Transport: apitest.Serve(t, f)},
		NewID:     func() string { id++; return fmt.Sprintf("event-%d", id) },
		Logger:    slog.New(slog.NewTextHandler(apitest.Leaks{T: t}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, change := range change {
		change(&s)
	}
	return run(t, s)
}

// run opens a notifier and runs it to the end of the test.
func run(t *testing.T, s notify.Settings) *notify.Notifier {
	t.Helper()
	n, err := notify.New(s)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { n.Run(t.Context()) })
	t.Cleanup(func() {
		running.Wait()
		n.Close()
	})
	return n
}

// chats runs one story against each kind of channel.
func chats(t *testing.T, story func(t *testing.T, f *fakeChat)) {
	for _, kind := range channelKinds {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { story(t, &fakeChat{kind: kind}) })
		})
	}
}

// refused is an outcome whose words are the server's.
func refused(words string) state.Outcome {
	return state.Outcome{Class: state.ClassRefused, Code: "InvalidParameter", Message: words}
}

// chatFault answers the next request in its own way; without a status it is silence.
type chatFault struct {
	status int
	header map[string]string
	body   string
}
