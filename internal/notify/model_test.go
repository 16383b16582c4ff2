package notify_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/notify"
)

// outage is how a receiver is away: for how long, and what it says.
type outage struct {
	until time.Time
	fault chatFault
}

// answer answers a request, if the receiver is away.
func (o *outage) answer(w http.ResponseWriter) bool {
	if o == nil || !time.Now().Before(o.until) {
		return false
	}
	if o.fault.status == 0 {
		w.Header().Set("Silent", "yes")
		return true
	}
	for name, value := range o.fault.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(o.fault.status)
	_, _ = io.WriteString(w, o.fault.body)
	return true
}

// modelChat is a chat, by its documentation: its limits, its codes, and what it says while
// it is away.
type modelChat struct {
	w       *world
	kind    notify.ChannelKind
	down    *outage
	taken   []time.Time    // when it took a message
	banned  time.Time      // DingTalk: until then, after too many
	told    map[string]int // messages by what they are about
	repeats int            // messages that repeat something
}

// comeOrGo has the chat go away now and then, for up to 25 minutes, with one of its refusals.
func (c *modelChat) comeOrGo() {
	if !c.w.one(4) {
		return
	}
	var faults []chatFault
	for _, r := range refusals {
		if r.kind == c.kind && r.says != "2h0m0s" {
			faults = append(faults, r.fault)
		}
	}
	faults = append(faults, chatFault{}, chatFault{status: 502}, chatFault{status: 429, header: map[string]string{"Retry-After": "120"}})
	o := &outage{time.Now().Add(c.w.upTo(25 * time.Minute)), faults[c.w.draw(int64(len(faults)))]}
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.down = o
}

// limits are how many messages a chat takes in a time, and what it says to one more.
var limits = map[notify.ChannelKind]struct {
	n      int
	in     time.Duration
	status int
	body   string
}{
	notify.WeCom:    {20, time.Minute, 200, `{"errcode":45009,"errmsg":"api freq out of limit"}`},
	notify.DingTalk: {20, time.Minute, 200, `{"errcode":130101,"errmsg":"send too fast"}`},
	notify.Feishu:   {5, time.Second, 400, `{"code":9499,"msg":"too many request"}`},
	notify.Slack:    {2, time.Second, 429, "rate_limited"},
	notify.Webhook:  {100, time.Second, 429, ""},
}

func (c *modelChat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if c.down.answer(w) {
		return
	}
	limit, now := limits[c.kind], time.Now()
	if n := len(c.taken) - limit.n; n >= 0 && now.Sub(c.taken[n]) < limit.in || now.Before(c.banned) {
		if c.kind == notify.DingTalk && now.After(c.banned) {
			c.banned = now.Add(10 * time.Minute)
		}
		w.WriteHeader(limit.status)
		_, _ = io.WriteString(w, limit.body)
		return
	}
	c.taken = append(c.taken, now)
	c.take(string(body))
	_, _ = io.WriteString(w, map[notify.ChannelKind]string{
		notify.WeCom: `{"errcode":0,"errmsg":"ok"}`, notify.DingTalk: `{"errcode":0,"errmsg":"ok"}`, notify.Feishu: `{"code":0,"msg":"success"}`, notify.Slack: "ok",
	}[c.kind])
}

// about matches the names of what a message is about.
var about = regexp.MustCompile(`(name|hash|file)-[0-9]+-x`)

// take notes what a message tells that requires action: not the summary of a release.
func (c *modelChat) take(body string) {
	text := body
	if c.kind == notify.Webhook {
		var doc struct{ Type notify.Topic }
		if err := json.Unmarshal([]byte(body), &doc); err != nil || !doc.Type.Required() {
			return
		}
	} else {
		var in struct {
			Text    any
			Content struct{ Text string }
		}
		_ = json.Unmarshal([]byte(body), &in)
		text = fmt.Sprint(in.Text, in.Content.Text)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		if strings.Contains(line, "wedatasync: Release ") && !strings.Contains(line, " held, ") {
			continue
		}
		for _, name := range about.FindAllString(line, -1) {
			seen[name] = true
		}
	}
	repeated := false
	for name := range seen {
		repeated = repeated || c.told[name] > 0
		c.told[name]++
	}
	if repeated {
		c.repeats++
	}
}

// modelForge is a forge that shows commit statuses.
type modelForge struct {
	w     *world
	kind  forge.Kind
	down  *outage
	shown map[string]string // the newest status of each commit
}

// comeOrGo has the forge go away now and then.
func (f *modelForge) comeOrGo() {
	if !f.w.one(4) {
		return
	}
	faults := []chatFault{
		{},
		{status: 502},
		{status: 503},
		{status: 401, body: `{"message":"Bad credentials"}`},
		{status: 404, body: `{"message":"Not Found"}`},
		{status: 403, body: `{"message":"You have exceeded a secondary rate limit"}`},
		{status: 403, body: `{"message":"Resource not accessible by integration"}`},
		{status: 422, body: `{"message":"Validation Failed"}`},
		{status: 429, header: map[string]string{"Retry-After": "600"}},
	}
	o := &outage{time.Now().Add(f.w.upTo(25 * time.Minute)), faults[f.w.draw(int64(len(faults)))]}
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	f.down = o
}

func (f *modelForge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	if f.down.answer(w) {
		return
	}
	var s struct{ State string }
	if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
		f.w.t.Errorf("not JSON: %v", err)
	}
	sha := path.Base(r.URL.Path)
	if f.kind == forge.GitLab {
		// What has not ended can end, or begin to run; it cannot begin again.
		if s.State == "running" && f.shown[sha] == "pending" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"message":"Cannot transition status via :run from :running (Reason(s): Status cannot transition via \"run\")"}`)
			return
		}
		s.State = map[string]string{"running": "pending", "success": "success", "failed": "failure", "canceled": "success"}[s.State]
	}
	f.shown[sha] = s.State
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, "{}")
}
