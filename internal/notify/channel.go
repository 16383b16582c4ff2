package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/wedatasync/wedatasync/internal/apiclient"
	"github.com/wedatasync/wedatasync/internal/fault"
	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/internal/text"
)

// ChannelKind is a chat by its API, or a webhook.
type ChannelKind string

// The kinds of a Channel.
const (
	WeCom    ChannelKind = "wecom"    // a robot of a WeCom group
	Feishu   ChannelKind = "feishu"   // a custom bot of a Feishu or Lark group
	DingTalk ChannelKind = "dingtalk" // a custom robot of a DingTalk group
	Slack    ChannelKind = "slack"    // an incoming webhook of Slack
	Webhook  ChannelKind = "webhook"  // any server, in the form of Standard Webhooks 1.0
)

// Channel is a place where people, or programs, are sent events.
type Channel struct {
	Name string // for logs and metrics
	Kind ChannelKind
	URL  secret.Value // whoever knows it can write there
	// Key signs what is sent: a webhook needs one, of at least 24 bytes, and Feishu's
	// and DingTalk's robots may ask for one.
	Key    secret.Value
	Topics []Topic // empty is all
	// Template makes a line of a message, with text/template, of an [Event]. Empty is
	// DefaultTemplate. A webhook has none.
	Template string
}

// DefaultTemplate is the line of a message. The name in it is a keyword that robots
// can ask for.
const DefaultTemplate = "wedatasync: {{.Text}}{{with .Link}} {{.}}{{end}}"

// Times of a channel.
const (
	linger      = 2 * time.Second  // others go with an event that come so soon after it
	chatTimeout = 30 * time.Minute // for one message, with all its tries
	chatPause   = 2 * time.Minute  // between two tries, at the most
	chatTries   = 10
)

// maxLine bounds a line of a message, in bytes.
const maxLine = 1000

// channel sends events to one receiver.
type channel struct {
	Channel
	receiver
	plain  secret.PlainHosts
	log    *slog.Logger
	client *apiclient.Client
	line   *template.Template
	queue  *queue[Event]
}

func newChannel(c Channel, client *apiclient.Client, plain secret.PlainHosts, log *slog.Logger) (*channel, error) {
	wrong := func(format string, args ...any) (*channel, error) {
		return nil, &fault.Error{Op: fmt.Sprintf("open the channel %q", c.Name), Kind: apiclient.ErrConfig, Err: fmt.Errorf(format, args...)}
	}
	receiver, ok := receiverOf(c.Kind)
	if len(c.Topics) == 0 {
		c.Topics = Topics()
	}
	ch := &channel{Channel: c, receiver: receiver, plain: plain, log: log.With("receiver", c.Name)}
	switch {
	case c.Name == "":
		return wrong("it needs a name")
	case !ok:
		return wrong("its kind is none of wecom, feishu, dingtalk, slack and webhook")
	case c.Kind == Webhook && c.Template != "":
		return wrong("a webhook has no template")
	case !c.Key.IsZero() && (c.Kind == WeCom || c.Kind == Slack):
		return wrong("%s knows no key: its URL is the secret", c.Kind)
	}
	for _, topic := range c.Topics {
		if !slices.Contains(Topics(), topic) {
			return wrong("one of its topics is none, such as %s", TaskRefused)
		}
	}
	var err error
	if ch.line, err = parseLine(c.Template); err != nil {
		return wrong("its template is none of Go's text/template, or asks for what an event does not have")
	}
	ch.client = client.Patient(chatTries, chatPause, ch.log)
	if _, _, _, err := ch.address(); err != nil {
		return wrong("%w", err)
	}
	ch.queue = newQueue[Event](c.Name, log)
	ch.queue.deliver, ch.queue.pace = ch.deliver, receiver.pace
	if c.Kind != Webhook {
		ch.queue.linger = linger
	}
	return ch, nil
}

// parseLine reads a template, and tries it on events as they can be.
func parseLine(text string) (*template.Template, error) {
	if text == "" {
		text = DefaultTemplate
	}
	line, err := template.New("line").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	for _, topic := range Topics() {
		if err := line.Execute(new(bytes.Buffer), Event{Topic: topic}); err != nil {
			return nil, err
		}
	}
	return line, nil
}

// enqueue queues the event if the channel is for its topic.
func (c *channel) enqueue(e Event) {
	if slices.Contains(c.Topics, e.Topic) {
		c.queue.add(e)
	}
}

// address reads where to send, and what signs it.
func (c *channel) address() (u *url.URL, address, key string, err error) {
	if c.URL.IsZero() {
		return nil, "", "", errors.New("it needs a URL")
	}
	if address, err = c.URL.Read("urlFile", c.log); err != nil {
		return nil, "", "", err
	}
	if key, err = c.Key.Read("keyFile", c.log); err != nil {
		return nil, "", "", err
	}
	u, err = url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http":
		return nil, "", "", errors.New("its URL is not one of https")
	case c.plain.Check(u) != nil:
		return nil, "", "", secret.ErrPlain // the URL is one
	case c.Kind == Webhook && len(webhookKey(key)) < minWebhookKey:
		return nil, "", "", fmt.Errorf("it needs a key of at least %d bytes", minWebhookKey)
	}
	return u, address, key, nil
}

// deliver sends as many of the events as one message takes.
func (c *channel) deliver(ctx context.Context, events []Event) (n int, err error) {
	text, n := c.compose(events)
	op := fmt.Sprintf("notify channel %q", c.Name)
	ctx, cancel := apiclient.WithTimeout(ctx, op, chatTimeout)
	defer cancel()
	return n, c.client.Do(ctx, apiclient.Call{
		Op: op,
		Build: func(ctx context.Context) (*http.Request, []string, error) {
			return c.request(ctx, text, events[0])
		},
		// An answer that is lost can make a message come twice, which is less bad than
		// not at all.
		Repeatable: true,
		Refusal:    func(resp *http.Response, data []byte) *fault.Error { return c.refused(op, resp, data) },
		Read:       func(resp *http.Response) error { return c.accepted(op, resp) },
	})
}

// compose writes a line for each event, as many as one message takes.
func (c *channel) compose(events []Event) (text string, n int) {
	if c.Kind == Webhook {
		return "", 1
	}
	var b strings.Builder
	for _, e := range events {
		line := c.lineOf(e)
		if n > 0 && b.Len()+1+len(line) > c.limit {
			break
		}
		if n > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(line)
		n++
	}
	return b.String(), n
}

// lineOf writes the line of an event. What others wrote in it is text to the chat,
// and calls nobody.
func (c *channel) lineOf(e Event) string {
	var b bytes.Buffer
	if err := c.line.Execute(&b, e.mapped(c.escape)); err != nil {
		b.Reset() // the template does not fit this event
		b.WriteString(e.mapped(c.escape).Text())
	}
	return text.Clip(strings.TrimSpace(b.String()), maxLine)
}

// request makes the request, signed anew.
func (c *channel) request(ctx context.Context, text string, e Event) (*http.Request, []string, error) {
	u, address, key, err := c.address()
	if err != nil {
		return nil, nil, err
	}
	secrets := hidden(u, address, key)
	req, err := c.send(ctx, message{url: u, key: key, text: text, event: e, now: time.Now()})
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("User-Agent", product)
	return req, secrets, nil
}

// minHidden is how long a part of a URL has to be to count as a secret, in bytes:
// shorter ones are words.
const minHidden = 8

// hidden lists what of an address and a key must not be shown, the longest first.
func hidden(u *url.URL, address, key string) []string {
	parts := []string{u.RequestURI()}
	for _, values := range u.Query() {
		parts = append(parts, values...)
	}
	parts = append(parts, strings.Split(u.Path, "/")...)
	parts = slices.DeleteFunc(parts, func(part string) bool { return len(part) < minHidden })
	return append([]string{address, key}, parts...)
}
