package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/wedatasync/wedatasync/internal/apiclient"
	"github.com/wedatasync/wedatasync/internal/fault"
	"github.com/wedatasync/wedatasync/internal/notify/receiver"
)

// Times of a channel.
const (
	linger    = 2 * time.Second  // others go with an event that come so soon after it
	calm      = 5 * time.Second  // between two messages of a chat, unless one is too long
	infoFor   = 30 * time.Minute // what requires no action is tried for so long
	restAfter = 5 * time.Minute  // a refusal, before the next try
	lateRest  = time.Hour        // the same, after an hour of refusals
	maxRest   = 2 * time.Hour    // whatever the receiver asks for
	maxTries  = 12               // refusals of one message, an hour apart from the first to the last
)

// run sends what the channel is to be notified of until stop is done; then what is left,
// at once, as far as that goes before ctx is done and without an error.
func (c *channel) run(ctx, stop context.Context) {
	var last time.Time // when it was through
	for ended := false; !ended; {
		select {
		case <-c.wake:
		case <-stop.Done():
			ended = true
		}
		if c.Kind != Webhook {
			wait(stop, max(linger, calm-time.Since(last)))
		}
		c.drain(ctx, stop)
		last = time.Now()
	}
	if c.retired.Load() {
		c.again() // this one may have taken the call that was for the next
	}
}

// drain sends until nothing waits.
func (c *channel) drain(ctx, stop context.Context) {
	var r retries
	for alone := false; ; {
		m, next := c.compose(time.Now(), alone)
		if m.empty() || c.retired.Load() {
			if next.IsZero() || stop.Err() != nil {
				return
			}
			idle(stop, c.wake, time.Until(next))
			continue
		}
		c.take(m.info)
		err := c.deliver(ctx, m)
		alone = c.settle(ctx, m, err, alone)
		switch {
		case err == nil:
			r.succeed(ctx, c.log)
			wait(stop, c.to.Pace)
			if !m.full && next.IsZero() {
				return
			}
		case stop.Err() != nil:
			given, left := c.giveUp()
			c.log.WarnContext(ctx, "could not notify before the end", "events", given, "kept", left, "error", err)
			return
		default:
			r.fail(ctx, c.log, err)
			c.rest(stop, &r, err)
		}
	}
}

// deliver sends one message, once.
func (c *channel) deliver(ctx context.Context, m *message) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	op := fmt.Sprintf("notify channel %q", c.Name)
	return c.client.Do(ctx, apiclient.Call{
		Op:      op,
		Build:   func(ctx context.Context) (*http.Request, []string, error) { return c.request(ctx, m) },
		Refusal: func(resp *http.Response, data []byte) *fault.Error { return c.to.Refused(op, resp, data) },
		Read:    func(resp *http.Response) error { return c.to.Accepted(op, resp) },
	})
}

// request makes the request, signed anew.
func (c *channel) request(ctx context.Context, m *message) (*http.Request, []string, error) {
	u, address, key, err := c.address()
	if err != nil {
		return nil, nil, err
	}
	secrets := hidden(u, address, key)
	req, err := c.to.Request(ctx, receiver.Message{URL: u, Key: key, Text: m.text, ID: m.id, Body: m.body, Now: time.Now()})
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("User-Agent", product)
	return req, secrets, nil
}

// settle notes what has become of a message, and reports whether the next one is to have
// one event alone: one of several that a receiver refuses must not keep the others from it.
func (c *channel) settle(ctx context.Context, m *message, err error, alone bool) bool {
	switch {
	case err == nil:
		c.sent(m.letters, m.info)
	case passing(err):
		c.giveBack(m.info, time.Now().Add(-infoFor))
	case errors.Is(err, apiclient.ErrRefused) && !m.single():
		c.giveBack(m.info, time.Time{})
		return true
	case errors.Is(err, apiclient.ErrRefused):
		c.refused(ctx, m, err)
	default: // the channel itself cannot be used
		c.failed(nil, m.info)
	}
	c.box.flush(context.WithoutCancel(ctx))
	return alone
}

// refused postpones, or gives up, the one event of a message that the receiver refused.
func (c *channel) refused(ctx context.Context, m *message, err error) {
	if len(m.letters) == 0 {
		c.failed(nil, m.info)
		return
	}
	l := m.letters[0]
	if l.tries+1 < maxTries {
		c.postpone(l, time.Now().Add(restAfter))
		return
	}
	c.log.ErrorContext(ctx, "notification given up: the receiver refuses it", "topic", l.event.Topic, "task", l.event.key().String(), "error", err)
	c.failed(m.letters, nil)
}

// passing reports whether an error passes by itself.
func passing(err error) bool {
	return errors.Is(err, apiclient.ErrLimited) || errors.Is(err, apiclient.ErrUnavailable)
}

// rest waits after an error: as long as the receiver asks for, or longer from try to try;
// after one that does not pass by itself, until there is something new.
func (c *channel) rest(stop context.Context, r *retries, err error) {
	if passing(err) {
		wait(stop, r.wait(err))
		return
	}
	if errors.Is(err, apiclient.ErrRefused) {
		wait(stop, max(c.to.Pace, time.Second)) // another one may be taken
		return
	}
	idle(stop, c.wake, r.rest())
}

// idle waits until something new is to be sent, at most for d.
func idle(stop context.Context, wake <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
		wait(stop, linger)
	case <-stop.Done():
	}
}

// wait returns after d, or when ctx is done.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
