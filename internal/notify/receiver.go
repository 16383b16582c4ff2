package notify

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
)

// receiver is what differs between the kinds of a channel.
type receiver struct {
	limit  int           // bytes of a message
	pace   time.Duration // between two messages
	rest   time.Duration // after too many of them, if the server does not say
	escape func(string) string
	send   func(context.Context, message) (*http.Request, error)
	codes  func(code int) (hint string, kind error) // what a code in an answer means; nil if there are none
}

// message is what a channel is to be sent.
type message struct {
	url   *url.URL
	key   string
	text  string // for people
	event Event  // for programs
	now   time.Time
}

// post makes a request with the payload.
func (m message) post(ctx context.Context, payload any) (*http.Request, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	return apiclient.NewRequest(ctx, http.MethodPost, m.url.String(), body)
}

// receiverOf returns how a kind of channel is written to.
func receiverOf(kind ChannelKind) (receiver, bool) {
	switch kind {
	case WeCom:
		return receiver{limit: 2048, pace: pace20, rest: apiclient.LimitPause, escape: unmarked, send: sendWeCom, codes: codesWeCom}, true
	case Feishu:
		return receiver{limit: 10_000, pace: time.Second, rest: apiclient.LimitPause, escape: unmarked, send: sendFeishu, codes: codesFeishu}, true
	case DingTalk:
		return receiver{limit: 10_000, pace: pace20, rest: 10 * apiclient.LimitPause, escape: unmarked, send: sendDingTalk, codes: codesDingTalk}, true
	case Slack:
		return receiver{limit: 4000, pace: time.Second, rest: apiclient.LimitPause, escape: slackText, send: sendSlack}, true
	case Webhook:
		return receiver{rest: apiclient.LimitPause, send: sendWebhook}, true
	default:
		return receiver{}, false
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

// accepted takes in an answer with a good status, which can still be a refusal.
func (c *channel) accepted(op string, resp *http.Response) error {
	data, err := io.ReadAll(io.LimitReader(resp.Body, apiclient.MaxFailure))
	if err != nil || c.codes == nil {
		return err
	}
	a, ok := readAnswer(data)
	switch {
	case !ok:
		return &fault.Error{Op: op, Kind: apiclient.ErrBadAnswer, Status: resp.StatusCode, Detail: "it holds no code"}
	case a.code == 0:
		return nil
	}
	return c.coded(op, resp, a)
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
func (c *channel) coded(op string, resp *http.Response, a answer) *fault.Error {
	e := &fault.Error{Op: op, Status: resp.StatusCode, Detail: fmt.Sprintf("%d %s", a.code, a.text)}
	e.Hint, e.Kind = c.codes(a.code)
	switch e.Kind {
	case apiclient.ErrLimited: //nolint:errorlint // a kind is never wrapped
		e.Effect, e.RetryAfter = fault.NotDone, c.wait(resp)
	case apiclient.ErrUnavailable:
		e.Effect = fault.MaybeDone
	}
	return e
}

// wait returns how long to leave the server alone after too many messages.
func (c *channel) wait(resp *http.Response) time.Duration {
	if d := apiclient.RetryAfter(resp.Header, time.Now()); d > 0 {
		return d
	}
	return c.rest
}

// refused says what an answer with a bad status means.
func (c *channel) refused(op string, resp *http.Response, data []byte) *fault.Error {
	if a, ok := readAnswer(data); ok && c.codes != nil && a.code != 0 && resp.StatusCode/100 == 4 && resp.StatusCode != http.StatusTooManyRequests {
		return c.coded(op, resp, a)
	}
	e := &fault.Error{Op: op, Status: resp.StatusCode, Detail: string(data)}
	switch code := resp.StatusCode; {
	case code == http.StatusTooManyRequests:
		e.Kind, e.Effect, e.RetryAfter = apiclient.ErrLimited, fault.NotDone, c.wait(resp)
	case code >= 500 || code == http.StatusRequestTimeout:
		e.Kind, e.Effect, e.RetryAfter = apiclient.ErrUnavailable, fault.MaybeDone, apiclient.RetryAfter(resp.Header, time.Now())
	case code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusNotFound || code == http.StatusGone:
		e.Kind, e.Hint = apiclient.ErrToken, "check the URL: it can have been revoked"
	default:
		e.Kind = apiclient.ErrRefused
	}
	return e
}
