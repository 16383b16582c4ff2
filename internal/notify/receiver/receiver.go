package receiver

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/apiclient"
	"github.com/wedatasync/wedatasync/internal/fault"
	"github.com/wedatasync/wedatasync/internal/transport"
)

// Kind is a chat by its API, or a webhook.
type Kind string

// The kinds of a receiver.
const (
	WeCom    Kind = "wecom"    // a robot of a WeCom group
	Feishu   Kind = "feishu"   // a custom bot of a Feishu or Lark group
	DingTalk Kind = "dingtalk" // a custom robot of a DingTalk group
	Slack    Kind = "slack"    // an incoming webhook of Slack
	Webhook  Kind = "webhook"  // any server, in the form of Standard Webhooks 1.0
)

// Receiver is what differs between the kinds.
type Receiver struct {
	Limit  int                 // bytes of a message; 0 if it takes documents and not text
	Pace   time.Duration       // between two messages
	Escape func(string) string // makes what others wrote text, which calls nobody; nil for documents

	rest  time.Duration // after too many messages, if the server does not say
	send  func(context.Context, Message) (*http.Request, error)
	codes func(code int, words string) (hint string, kind error) // what a code in an answer means; nil if there are none
}

// Message is what is to be sent.
type Message struct {
	URL  *url.URL
	Key  string
	Text string    // for people
	ID   string    // of a document: it stays the same when that is sent again
	Body []byte    // of a document, in JSON
	Now  time.Time // when it is signed
}

// Request makes the request that carries the message.
func (r *Receiver) Request(ctx context.Context, m Message) (*http.Request, error) {
	return r.send(ctx, m)
}

// post makes a request with the payload.
func (m Message) post(ctx context.Context, payload any) (*http.Request, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	return apiclient.NewRequest(ctx, http.MethodPost, m.URL.String(), body)
}

// Of returns how a kind of receiver is written to.
func Of(kind Kind) (*Receiver, bool) {
	switch kind {
	case WeCom:
		return &Receiver{Limit: 2048, Pace: pace20, rest: transport.LimitPause, Escape: unmarked, send: sendWeCom, codes: codesWeCom}, true
	case Feishu:
		return &Receiver{Limit: 10_000, Pace: time.Second, rest: transport.LimitPause, Escape: unmarked, send: sendFeishu, codes: codesFeishu}, true
	case DingTalk:
		return &Receiver{Limit: 10_000, Pace: pace20, rest: 10 * transport.LimitPause, Escape: unmarked, send: sendDingTalk, codes: codesDingTalk}, true
	case Slack:
		return &Receiver{Limit: 4000, Pace: time.Second, rest: transport.LimitPause, Escape: slackText, send: sendSlack}, true
	case Webhook:
		return &Receiver{rest: transport.LimitPause, send: sendWebhook}, true
	default:
		return nil, false
	}
}

// pace20 keeps below 20 messages a minute, which is what WeCom and DingTalk take.
const pace20 = 3500 * time.Millisecond

// unmarked takes from a text what chats read as a tag, such as <@all>. All messages
// are of their kind for plain text, which knows no other markup.
func unmarked(s string) string { return strings.NewReplacer("<", "‹", ">", "›").Replace(s) }

// sum is the HMAC-SHA256 of the text, in Base64.
func sum(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// busy is the code that WeCom and DingTalk have for trying again.
const busy = -1

// Accepted takes in an answer with a good status, which can still be a refusal.
func (r *Receiver) Accepted(op string, resp *http.Response) error {
	data, err := io.ReadAll(io.LimitReader(resp.Body, apiclient.MaxFailure))
	if err != nil || r.codes == nil {
		return err
	}
	a, ok := readAnswer(data)
	switch {
	case !ok:
		return &fault.Error{Op: op, Kind: apiclient.ErrBadAnswer, Status: resp.StatusCode, Detail: "it holds no code"}
	case a.code == 0:
		return nil
	}
	return r.coded(op, resp, a)
}

// answer is what WeCom, Feishu and DingTalk say.
type answer struct {
	code int
	text string
}

// readAnswer finds the code in an answer, by any of its names.
func readAnswer(data []byte) (answer, bool) {
	var a struct {
		ErrCode *int   `json:"errcode"` // WeCom, DingTalk
		ErrMsg  string `json:"errmsg"`
		Code    *int   `json:"code"` // Feishu
		Msg     string `json:"msg"`
		// Feishu, of old.
		StatusCode    *int
		StatusMessage string
	}
	if json.Unmarshal(data, &a) != nil {
		return answer{}, false
	}
	for _, code := range []*int{a.ErrCode, a.Code, a.StatusCode} {
		if code != nil {
			return answer{*code, cmp.Or(a.ErrMsg, a.Msg, a.StatusMessage)}, true
		}
	}
	return answer{}, false
}

// coded says what a code means.
func (r *Receiver) coded(op string, resp *http.Response, a answer) *fault.Error {
	e := &fault.Error{Op: op, Status: resp.StatusCode, Detail: fmt.Sprintf("%d %s", a.code, a.text)}
	e.Hint, e.Kind = r.codes(a.code, a.text)
	switch e.Kind {
	case apiclient.ErrLimited: //nolint:errorlint // a kind is never wrapped
		e.Effect, e.RetryAfter = fault.NotDone, r.wait(resp)
	case apiclient.ErrUnavailable:
		e.Effect = fault.MaybeDone
	}
	return e
}

// wait returns how long to leave the server alone after too many messages.
func (r *Receiver) wait(resp *http.Response) time.Duration {
	if d := transport.RetryAfter(resp.Header, time.Now()); d > 0 {
		return d
	}
	return r.rest
}

// Refused says what an answer with a bad status means.
func (r *Receiver) Refused(op string, resp *http.Response, data []byte) *fault.Error {
	if a, ok := readAnswer(data); ok && r.codes != nil && a.code != 0 && resp.StatusCode/100 == 4 && resp.StatusCode != http.StatusTooManyRequests {
		return r.coded(op, resp, a)
	}
	e := &fault.Error{Op: op, Status: resp.StatusCode, Detail: string(data)}
	switch code := resp.StatusCode; {
	case code == http.StatusTooManyRequests:
		e.Kind, e.Effect, e.RetryAfter = apiclient.ErrLimited, fault.NotDone, r.wait(resp)
	case code >= 500 || code == http.StatusRequestTimeout:
		e.Kind, e.Effect, e.RetryAfter = apiclient.ErrUnavailable, fault.MaybeDone, transport.RetryAfter(resp.Header, time.Now())
	case code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusNotFound || code == http.StatusGone:
		e.Kind, e.Hint = apiclient.ErrToken, "check the URL: it can have been revoked"
	default:
		e.Kind = apiclient.ErrRefused
	}
	return e
}
