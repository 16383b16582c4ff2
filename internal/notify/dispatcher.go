package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"slices"

	"github.com/wedatasync/wedatasync/internal/apiclient"
	"github.com/wedatasync/wedatasync/internal/fault"
	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/state"
)

// dispatcher holds all who are sent something.
type dispatcher struct {
	client   *apiclient.Client // of the channels
	channels []*channel
	forge    *forge.Forge // nil is none
	statuses *statuses
}

// sender sends to one receiver what waits for it.
type sender interface {
	run(ctx, stop context.Context)
	count() Stats
	empty()
}

// open opens the dispatcher of the settings. Those of the settings before that stay
// the same are kept, with what they have queued. It sends nothing.
func open(s *Settings, have dispatcher, before *Settings, box *outbox) (to dispatcher, err error) {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if u, err := url.Parse(s.Link); err != nil || u.User != nil {
		return to, &fault.Error{Op: "open the channels", Kind: apiclient.ErrConfig, Err: errors.New("the link is not a URL, or holds a user: everybody is shown it")}
	}
	same := have.client != nil && s.CAFile == before.CAFile && s.PlainHosts == before.PlainHosts
	if to.client = have.client; !same {
		if to.client, err = apiclient.New(s.Transport, s.CAFile, s.Logger); err != nil {
			return to, &fault.Error{Op: "open the channels", Kind: apiclient.ErrConfig, Err: err}
		}
	}
	names := map[string]bool{}
	for _, c := range s.Channels {
		if names[c.Name] {
			return to, &fault.Error{Op: "open the channels", Kind: apiclient.ErrConfig, Err: fmt.Errorf("%q appears twice", c.Name)}
		}
		names[c.Name] = true
		if i := slices.IndexFunc(before.Channels, func(b Channel) bool { return reflect.DeepEqual(b, c) }); same && i >= 0 {
			to.channels = append(to.channels, have.channels[i])
			continue
		}
		ch, err := newChannel(c, to.client, box, s.PlainHosts, s.Logger)
		if err != nil {
			return to, err
		}
		to.channels = append(to.channels, ch)
	}
	return to, to.openForge(s, have, before, box)
}

// openForge opens where commits get a status.
func (to *dispatcher) openForge(s *Settings, have dispatcher, before *Settings, box *outbox) (err error) {
	if s.Forge == nil {
		return nil
	}
	if have.forge != nil && reflect.DeepEqual(s.Forge, before.Forge) && s.PlainHosts == before.PlainHosts && s.Context == before.Context && s.Link == before.Link {
		to.forge, to.statuses = have.forge, have.statuses
		return nil
	}
	config := *s.Forge
	config.PlainHosts, config.Logger = s.PlainHosts, cmp.Or(config.Logger, s.Logger)
	if to.forge, err = forge.Open(config); err != nil {
		return err
	}
	to.statuses = newStatuses(to.forge, s, box)
	return nil
}

// none reports whether nobody is sent anything.
func (to *dispatcher) none() bool { return len(to.channels) == 0 && to.statuses == nil }

// senders lists those of all receivers.
func (to *dispatcher) senders() []sender {
	var all []sender
	if to.statuses != nil {
		all = append(all, to.statuses)
	}
	for _, c := range to.channels {
		all = append(all, c)
	}
	return all
}

// load takes in a notice that was kept, or drops it if its receiver is there no more.
func (to *dispatcher) load(n state.Notice, box *outbox) {
	if to.statuses != nil && to.statuses.receiver == n.Receiver {
		to.statuses.load(n.ID, n.Body)
		return
	}
	for _, c := range to.channels {
		if c.receiver == n.Receiver {
			c.load(n.ID, n.Body)
			return
		}
	}
	box.drop(n.Receiver, n.ID)
}

// close closes the connections that are idle.
func (to *dispatcher) close() error {
	to.client.Close()
	if to.forge != nil {
		return to.forge.Close()
	}
	return nil
}

// Reload checks other settings, and returns what puts them in place of those there
// are; after an error those stay. A receiver that stays the same goes on as it does.
// One that changes gets what was queued, and one that is gone is not sent it: only
// what is on its way to it goes on.
func (n *Notifier) Reload(s Settings) (swap func(), err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s.Transport, s.NewID, s.Logger = n.settings.Transport, n.settings.NewID, n.settings.Logger
	next, err := open(&s, n.to, &n.settings, n.box)
	if err != nil {
		return nil, err
	}
	return func() { n.exchange(next, s) }, nil
}

// exchange puts the dispatcher in place of those there are.
func (n *Notifier) exchange(next dispatcher, s Settings) {
	n.mu.Lock()
	defer n.mu.Unlock()
	kept := next.senders()
	for _, q := range n.to.senders() {
		if slices.Contains(kept, q) {
			continue
		}
		if !next.takesOver(q) {
			q.empty()
		}
		if end := n.running[q]; end != nil {
			end()
			delete(n.running, q)
		}
	}
	n.to, n.settings = next, s
	n.start()
}

// takesOver has the receiver of the same name go on with what the sender has, and reports
// whether there is one.
func (to *dispatcher) takesOver(q sender) bool {
	switch old := q.(type) {
	case *channel:
		i := slices.IndexFunc(to.channels, func(c *channel) bool { return c.Name == old.Name })
		if i >= 0 {
			old.retired.Store(true)
			to.channels[i].mailbox = old.mailbox
			old.again()
		}
		return i >= 0
	case *statuses:
		return to.statuses != nil && to.statuses.takeOver(old)
	default:
		return false
	}
}

// start starts the senders that do not run yet, while Run runs. It needs mu.
func (n *Notifier) start() {
	for _, q := range n.to.senders() {
		if n.launch != nil && n.running[q] == nil {
			n.running[q] = n.launch(q.run)
		}
	}
}
