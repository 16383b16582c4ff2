package serve

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/internal/serve/access"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/weblink"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// Config is what a Server is made of. Everything but Source, Skew, Submit,
// Tokens, Private, Hosts, Links and Webhooks is required. [Server.Reload] exchanges Interval,
// Webhooks, Tokens, Private, Hosts and Links.
type Config struct {
	Version  string        // of this program
	Interval time.Duration // between two polls of the source
	Logger   *slog.Logger
	// Source is the source of specs, to be shown before there is a plan.
	Source plan.SourceInfo

	// Daemon is the daemon that is shown. [Server.Observer] has its Tracker follow the passes.
	Daemon *snapshot.Daemon
	// State opens the state as it is now, for reading. The caller closes it.
	State func(context.Context) (Reader, error)
	// Skew is how far this machine's clock is ahead of the endpoint's, if that is known.
	// Nil: it is not.
	Skew func() (ahead time.Duration, known bool)
	// KeyExpiry returns when the first of the trusted signing keys ends; zero: none does.
	// Nil: nothing has to be signed.
	KeyExpiry func() time.Time
	// Receivers says what became of the notifications of each receiver. Nil: there is none.
	Receivers func() []notify.Stats

	// Links knows where the pages of the forge and of the WeData console are.
	Links weblink.Links

	// Trigger asks for a poll of the source. It must not block. It is called for
	// webhooks, and is required if there are any.
	Trigger  func()
	Webhooks Webhooks

	// Submit gives an operator's command to the daemon, and returns the answer.
	// [ErrPending] says that the command was left and not answered yet.
	Submit func(context.Context, state.Command) (state.CommandResult, error)
	// Tokens are the tokens that are known. Without one that acts, no command is taken.
	Tokens []access.Token
	// Private says that pages, the API, events and metrics need a token that may read.
	Private bool
	// Hosts are the names, in lower case and without a port, that requests may have for
	// this server, beside its IP addresses and localhost.
	Hosts []string
}

// Webhooks names the files of the secrets that the forges sign with. A file has one
// secret, or two lines with one each while it is rotated, and is read again at each
// use. A forge without a file has no endpoint.
type Webhooks struct {
	GitHub string
	GitLab string
	Gitea  string
}

// ErrPending says that a command was left for the daemon and is not answered yet.
var ErrPending = errors.New("the daemon has not answered yet; it will, and history shows it")

// check finds mistakes at the start that would else be found at the first use.
func (cfg *Config) check() error {
	forges := cfg.Webhooks.forges()
	if cfg.Trigger == nil && len(forges) > 0 {
		return errors.New("serve webhooks: there is nothing to ask for a poll")
	}
	for _, f := range forges {
		if _, err := access.ReadSecrets(f.flag(), f.file, cfg.Logger); err != nil {
			return err
		}
	}
	return access.Tokens(cfg.Tokens).Check()
}
