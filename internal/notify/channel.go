package notify

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"text/template"

	"github.com/wedatasync/wedatasync/internal/apiclient"
	"github.com/wedatasync/wedatasync/internal/fault"
	"github.com/wedatasync/wedatasync/internal/notify/receiver"
	"github.com/wedatasync/wedatasync/internal/secret"
)

// ChannelKind is a chat by its API, or a webhook.
type ChannelKind = receiver.Kind

// The kinds of a Channel.
const (
	WeCom    = receiver.WeCom
	Feishu   = receiver.Feishu
	DingTalk = receiver.DingTalk
	Slack    = receiver.Slack
	Webhook  = receiver.Webhook
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
// can ask for. A message of such lines ends with the link to the status page.
const DefaultTemplate = "wedatasync: {{.Text}}"

// channel sends events to one receiver.
type channel struct {
	Channel
	*mailbox
	to     *receiver.Receiver
	plain  secret.PlainHosts
	log    *slog.Logger
	client *apiclient.Client
	line   *template.Template
	// retired says that another channel of the same name goes on with the mailbox.
	retired atomic.Bool
}

func newChannel(c Channel, client *apiclient.Client, box *outbox, plain secret.PlainHosts, log *slog.Logger) (*channel, error) {
	wrong := func(format string, args ...any) (*channel, error) {
		return nil, &fault.Error{Op: fmt.Sprintf("open the channel %q", c.Name), Kind: apiclient.ErrConfig, Err: fmt.Errorf(format, args...)}
	}
	to, ok := receiver.Of(c.Kind)
	if len(c.Topics) == 0 {
		c.Topics = Topics()
	}
	ch := &channel{Channel: c, to: to, plain: plain, log: log.With("receiver", c.Name)}
	switch {
	case c.Name == "":
		return wrong("it needs a name")
	case !ok:
		return wrong("its kind is not one of wecom, feishu, dingtalk, slack and webhook")
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
		return wrong("its template is not valid in Go's text/template, or uses a field that events do not have")
	}
	ch.client = client.Patient(1, 0, ch.log) // the channel itself tries again
	if _, _, _, err := ch.address(); err != nil {
		return wrong("%w", err)
	}
	ch.mailbox = newMailbox(c.Name, box, log)
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

// wants reports whether the channel is for the topic. A chat that gets the summary of a
// release gets no message of their own for what that has.
func (c *channel) wants(topic Topic) bool {
	if c.Kind != Webhook && topic.summed() && slices.Contains(c.Topics, ReleaseDone) {
		return false
	}
	return slices.Contains(c.Topics, topic)
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
	case c.Kind == Webhook && len(receiver.WebhookKey(key)) < receiver.MinWebhookKey:
		return nil, "", "", fmt.Errorf("it needs a key of at least %d bytes", receiver.MinWebhookKey)
	}
	return u, address, key, nil
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
