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
	"strconv"
	"strings"
	"time"
)

// hook is how one kind of channel is written to.
type hook struct {
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
	return newRequest(ctx, http.MethodPost, m.url.String(), body)
}

func hooks(kind ChannelKind) (hook, bool) {
	switch kind {
	case WeCom:
		return hook{limit: 2048, pace: pace20, rest: limitPause, escape: unmarked, send: sendWeCom, codes: codesWeCom}, true
	case Feishu:
		return hook{limit: 10_000, pace: time.Second, rest: limitPause, escape: unmarked, send: sendFeishu, codes: codesFeishu}, true
	case DingTalk:
		return hook{limit: 10_000, pace: pace20, rest: 10 * limitPause, escape: unmarked, send: sendDingTalk, codes: codesDingTalk}, true
	case Slack:
		return hook{limit: 4000, pace: time.Second, rest: limitPause, escape: slackText, send: sendSlack}, true
	case Webhook:
		return hook{rest: limitPause, send: sendWebhook}, true
	default:
		return hook{}, false
	}
}

// pace20 keeps below 20 messages a minute, which is what WeCom and DingTalk take.
const pace20 = 3500 * time.Millisecond

// unmarked takes from a text what chats read as a tag, such as <@all>. All messages
// are of their kind for plain text, which knows no other markup.
func unmarked(s string) string { return strings.NewReplacer("<", "‹", ">", "›").Replace(s) }

// slackText escapes what Slack reads as a link or a mention.
func slackText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

func sendWeCom(ctx context.Context, m message) (*http.Request, error) {
	return m.post(ctx, map[string]any{"msgtype": "text", "text": map[string]string{"content": m.text}})
}

// sendFeishu signs with the text as the key and nothing as the message (Feishu,
// custom bot guide).
func sendFeishu(ctx context.Context, m message) (*http.Request, error) {
	payload := map[string]any{"msg_type": "text", "content": map[string]string{"text": m.text}}
	if m.key != "" {
		timestamp := strconv.FormatInt(m.now.Unix(), 10)
		payload["timestamp"], payload["sign"] = timestamp, sum(timestamp+"\n"+m.key, "")
	}
	return m.post(ctx, payload)
}

// sendDingTalk signs in the URL, with the time in milliseconds (DingTalk, security
// settings of custom robots).
func sendDingTalk(ctx context.Context, m message) (*http.Request, error) {
	if m.key != "" {
		timestamp := strconv.FormatInt(m.now.UnixMilli(), 10)
		query := m.url.Query()
		query.Set("timestamp", timestamp)
		query.Set("sign", sum(m.key, timestamp+"\n"+m.key))
		m.url.RawQuery = query.Encode()
	}
	return m.post(ctx, map[string]any{"msgtype": "text", "text": map[string]string{"content": m.text}})
}

func sendSlack(ctx context.Context, m message) (*http.Request, error) {
	return m.post(ctx, map[string]any{"text": m.text, "mrkdwn": false, "unfurl_links": false, "unfurl_media": false})
}

// sum is the HMAC-SHA256 of the text, in Base64.
func sum(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// busy is the code that WeCom and DingTalk have for trying again.
const busy = -1

func codesWeCom(code int) (hint string, kind error) {
	switch code {
	case busy:
		return "", ErrUnavailable
	case 45009, 45033:
		return "", ErrLimited
	case 93000:
		return "the key in the URL is not that of a robot: copy the robot's webhook address anew", ErrToken
	default:
		return "", ErrRefused
	}
}

func codesFeishu(code int) (hint string, kind error) {
	switch code {
	case 11232, 99991400:
		return "", ErrLimited
	case 19001:
		return "the URL is not that of a robot: copy the robot's webhook address anew", ErrToken
	case 19021:
		return "the robot asks for a signature: check the key, and this machine's clock", ErrToken
	case 19022:
		return "the robot's security settings do not allow this machine's address", ErrPermission
	case 19024:
		return "put one of the robot's keywords into the template", ErrRefused
	default:
		return "", ErrRefused
	}
}

func codesDingTalk(code int) (hint string, kind error) {
	switch code {
	case busy:
		return "", ErrUnavailable
	case 130101, 410100:
		return "", ErrLimited
	case 300001, 300005, 400101:
		return "the access_token in the URL is not that of a robot: copy the robot's webhook address anew", ErrToken
	case 310000:
		return "the robot's security settings ask for a keyword in the template, a key, or another address; check this machine's clock, too", ErrPermission
	default:
		return "", ErrRefused
	}
}

// accepted takes in an answer with a good status, which can still be a refusal.
func (c *channel) accepted(op string, resp *http.Response) error {
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxFailure))
	if err != nil || c.codes == nil {
		return err
	}
	a, ok := readAnswer(data)
	switch {
	case !ok:
		return &Error{Op: op, Kind: ErrBadAnswer, Status: resp.StatusCode, Detail: "it holds no code"}
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
func (c *channel) coded(op string, resp *http.Response, a answer) *Error {
	e := &Error{Op: op, Status: resp.StatusCode, Detail: fmt.Sprintf("%d %s", a.code, a.text)}
	e.Hint, e.Kind = c.codes(a.code)
	switch e.Kind {
	case ErrLimited:
		e.effect, e.RetryAfter = effectNone, c.wait(resp)
	case ErrUnavailable:
		e.effect = effectUnknown
	}
	return e
}

// wait returns how long to leave the server alone after too many messages.
func (c *channel) wait(resp *http.Response) time.Duration {
	if d := retryAfter(resp.Header, time.Now()); d > 0 {
		return d
	}
	return c.rest
}

// refused says what an answer with a bad status means.
func (c *channel) refused(op string, resp *http.Response, data []byte) *Error {
	if a, ok := readAnswer(data); ok && c.codes != nil && a.code != 0 && resp.StatusCode/100 == 4 && resp.StatusCode != http.StatusTooManyRequests {
		return c.coded(op, resp, a)
	}
	e := &Error{Op: op, Status: resp.StatusCode, Detail: string(data)}
	switch code := resp.StatusCode; {
	case code == http.StatusTooManyRequests:
		e.Kind, e.effect, e.RetryAfter = ErrLimited, effectNone, c.wait(resp)
	case code >= 500 || code == http.StatusRequestTimeout:
		e.Kind, e.effect, e.RetryAfter = ErrUnavailable, effectUnknown, retryAfter(resp.Header, time.Now())
	case code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusNotFound || code == http.StatusGone:
		e.Kind, e.Hint = ErrToken, "check the URL: it can have been revoked"
	default:
		e.Kind = ErrRefused
	}
	return e
}
