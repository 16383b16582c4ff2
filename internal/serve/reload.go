package serve

import (
	"net/http"
	"time"

	"github.com/wedatasync/wedatasync/reconcile"
)

// Reloads says how the last reloads of what is on disk went. Err is why what is there
// is not used, but what was there before. The zero Health is of what is not reloaded.
type Reloads struct {
	Configuration reconcile.Health
	Credentials   reconcile.Health
}

// live is what can change while the window is open.
type live struct {
	interval time.Duration
	tokens   tokens
	private  bool
	handler  http.Handler
}

func (s *Server) newLive(cfg *Config) *live {
	l := &live{interval: cfg.Interval, tokens: cfg.Tokens, private: cfg.Private}
	l.handler = guarded(addressed(cfg.Hosts, s.routes(l, cfg.Webhooks.forges())))
	return l
}

// Reload checks the Interval, the Webhooks, the Tokens, Private and the Hosts of cfg, and
// returns what puts them in place of those there are; after an error those stay.
func (s *Server) Reload(cfg Config) (swap func(), err error) {
	next := s.cfg
	next.Interval, next.Webhooks = cfg.Interval, cfg.Webhooks
	next.Tokens, next.Private, next.Hosts = cfg.Tokens, cfg.Private, cfg.Hosts
	if err := next.check(); err != nil {
		return nil, err
	}
	l := s.newLive(&next)
	return func() {
		s.metrics.webhooks(next.Webhooks.forges())
		if s.poker != nil {
			s.poker.setGap(min(pokeGap, next.Interval))
		}
		s.live.Store(l)
	}, nil
}

// reasons says why a person is needed: the next start would fail, and what somebody
// wanted does not hold.
func (r Reloads) reasons() []Reason {
	var reasons []Reason
	if err := r.Credentials.Err; err != nil {
		reasons = append(reasons, Reason{Code: ReasonCredentials, Message: "the credentials on disk are not used, but those before: " + errorText(err)})
	}
	if err := r.Configuration.Err; err != nil {
		reasons = append(reasons, Reason{Code: ReasonConfiguration, Message: "the configuration on disk is not used, but the one before: " + errorText(err)})
	}
	return reasons
}
