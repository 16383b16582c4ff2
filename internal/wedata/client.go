package wedata

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"

	api "github.com/wedatasync/wedatasync/internal/wedata/v20210820"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/approval/listing"
	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Client sends requests to WeData. It is safe for concurrent use.
type Client struct {
	endpoint    endpoint
	region      string
	credentials *Credentials
	timeout     time.Duration
	uptime      reconcile.Clock
	userAgent   string
	log         *slog.Logger
	commits     *http.Transport // a connection for each request
	reads       *http.Transport
	clocks      clocks
	refused     atomic.Uint64 // the turn after that of the newest keys that were not accepted
}

var (
	_ reconcile.Committer = (*Client)(nil)
	_ reconcile.Reloader  = (*Client)(nil)
	_ reconcile.Reader    = (*Client)(nil)
	_ drift.Lister        = (*Client)(nil)
	_ drift.Describer     = (*Client)(nil)
	_ drift.Versioner     = (*Client)(nil)
	_ listing.Lister      = (*Client)(nil)
)

// New returns a client. It connects to nothing yet.
func New(cfg Config) (*Client, error) {
	e, err := parseEndpoint(cfg.Endpoint, cfg.PlainHosts)
	if err != nil {
		return nil, err
	}
	if !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(cfg.Region) {
		return nil, errors.New("read region: give one such as ap-guangzhou")
	}
	if cfg.Credentials == nil {
		return nil, errors.New("make client: no credentials")
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = MaxTimeout
	}
	if cfg.Timeout < 0 || cfg.Timeout > MaxTimeout {
		return nil, fmt.Errorf("make client: timeout %s is not between 0 and %s", cfg.Timeout, MaxTimeout)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Uptime == nil {
		start := time.Now()
		cfg.Uptime = func() time.Duration { return time.Since(start) }
	}
	return &Client{
		endpoint:    e,
		region:      cfg.Region,
		credentials: cfg.Credentials,
		timeout:     cfg.Timeout,
		uptime:      cfg.Uptime,
		userAgent:   cfg.UserAgent,
		log:         cfg.Logger,
		commits:     e.transport(&cfg, false),
		reads:       e.transport(&cfg, true),
	}, nil
}

// Close closes idle connections.
func (c *Client) Close() error {
	c.reads.CloseIdleConnections()
	return nil
}

// Reload looks for the credentials again, where they were found, and reports whether
// they are newer than those that a request was last refused for. It does not look if
// newer ones are held already: somebody else has reloaded them meanwhile.
func (c *Client) Reload(ctx context.Context) (changed bool, err error) {
	if c.renewed() {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	changed, err = c.credentials.Reload(ctx)
	return err == nil && (c.renewed() || changed), err
}

// renewed reports, once for each refusal, whether newer credentials are held than were
// refused.
func (c *Client) renewed() bool {
	k, _ := c.credentials.held(time.Now())
	refused := c.refused.Load()
	return refused > 0 && refused <= k.turn && c.refused.CompareAndSwap(refused, 0)
}

// noteRefused remembers which credentials were not accepted.
func (c *Client) noteRefused(k keys, class state.Class) {
	if class != state.ClassAuth {
		return
	}
	for old := c.refused.Load(); old <= k.turn; old = c.refused.Load() {
		c.refused.CompareAndSwap(old, k.turn+1)
	}
}

// Skew is how far this machine's clock is ahead of the endpoint's, as its answers tell.
func (c *Client) Skew() Skew { return c.clocks.skew() }

// SkewBound is how far the endpoint's clock is off this machine's, at the most: MaxSkew
// as long as no answer has told it.
func (c *Client) SkewBound() time.Duration {
	s := c.Skew()
	if !s.Known {
		return MaxSkew
	}
	return max(s.Most.Abs(), s.Least.Abs())
}

// SkewMargin is how much longer than five minutes a signature of this client can be
// accepted because this machine's clock is, or was until lately, ahead: from 0 on, and
// MaxSkew as long as no answer has told the endpoint's time.
func (c *Client) SkewMargin() time.Duration { return c.clocks.margin() }

// Commit sends the commit in one request, at most once, and says what the answer
// means. The gate is asked once at most, when the connection is there. What comes
// before, and what comes after, ends within Config.Timeout each.
func (c *Client) Commit(ctx context.Context, want *spec.Commit, gate pace.Gate) (state.Outcome, reconcile.Timing) {
	if out, off := c.clockOff(ctx); off {
		return out, reconcile.Timing{}
	}
	x, client, k, err := c.exchange(ctx, c.commits, maxBody, gate)
	if err != nil {
		return noCredentials(err), reconcile.Timing{}
	}
	defer x.end()
	_, err = client.CommitIntegrationTaskWithContext(x.ctx, commitRequest(want))
	out, timing := Classify(x.response(err, append(k.secrets(), values(want)...))), x.timing()
	c.noteRefused(k, out.Class)
	c.compareClocks(x, out)
	c.log.DebugContext(ctx, "commit sent", "project", want.ProjectID, "task", want.TaskID,
		"class", out.Class, "code", out.Code, "request_id", out.RequestID, "round_trip", timing.RoundTrip)
	return out, timing
}

// clockOff reports whether this machine's clock is too far off to sign by. It asks the
// endpoint once more before it says so: the clock may have been set.
func (c *Client) clockOff(ctx context.Context) (state.Outcome, bool) {
	if s := c.Skew(); !s.Known || s.Ahead().Abs() <= MaxSkew {
		return state.Outcome{}, false
	}
	if r, err := c.endpoint.try(ctx, c.commits, c.userAgent, c.timeout); err == nil {
		c.clocks.learn(r.Skew)
	}
	s := c.Skew()
	return state.Outcome{Class: state.ClassAuth, Code: CodeClock, Message: fmt.Sprintf(
		"check this machine's clock: it is %v the endpoint's, and nothing is sent if it is over %v off", s, MaxSkew)}, s.Ahead().Abs() > MaxSkew
}

// compareClocks learns the endpoint's time from an answer of the API.
func (c *Client) compareClocks(x *exchange, out state.Outcome) {
	if out.RequestID != "" {
		x.mu.Lock()
		defer x.mu.Unlock()
		c.clocks.learn(skewOf(x.date, x.wrote, x.answered))
	}
}

// noCredentials is the outcome of a commit that could not be signed.
func noCredentials(err error) state.Outcome {
	return state.Outcome{Class: state.ClassAuth, Code: CodeNoCredentials, Message: newCleaner(nil).text(err.Error())}
}

// exchange returns the SDK's client for one request, what watches over it, and what it
// is signed with. An answer has at most limit bytes.
func (c *Client) exchange(ctx context.Context, t http.RoundTripper, limit int, gate pace.Gate) (*exchange, *api.Client, keys, error) {
	k, err := c.currentKeys(ctx)
	if err != nil {
		return nil, nil, k, err
	}
	x := newExchange(ctx, t, limit, c.timeout)
	x.userAgent, x.gate, x.uptime, x.signed = c.userAgent, gate, c.uptime, c.uptime()
	client, _ := api.NewClient(k, c.region, c.endpoint.profile())
	client.WithHttpTransport(x)
	return x, client, k, nil
}

// currentKeys returns what to sign with. To renew it may take as long as an answer.
func (c *Client) currentKeys(ctx context.Context) (keys, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.credentials.current(ctx)
}

// profile returns the SDK's settings: whatever repeats, redirects or prints a
// request is off. Time is bounded by the exchange.
func (e endpoint) profile() *profile.ClientProfile {
	p := profile.NewClientProfile()
	p.HttpProfile.Endpoint = e.host
	p.HttpProfile.Scheme = e.scheme
	p.HttpProfile.ReqMethod = http.MethodPost
	p.HttpProfile.ReqTimeout = int((maxSignatureAge + 3*MaxTimeout) / time.Second)
	p.Language = "en-US" // the lock is known by its English text
	p.Debug = false
	p.DisableRegionBreaker = true
	p.UnsafeRetryOnConnectionFailure = false
	p.NetworkFailureMaxRetries = 0
	p.RateLimitExceededMaxRetries = 0
	return p
}

// commitRequest returns the request for the commit, field for field. What the spec
// does not give is not sent.
func commitRequest(c *spec.Commit) *api.CommitIntegrationTaskRequest {
	r := api.NewCommitIntegrationTaskRequest()
	r.TaskId = new(c.TaskID)
	r.ProjectId = new(c.ProjectID)
	r.CommitType = new(int64(c.CommitType))
	r.TaskType = taskType(c.TaskType)
	for _, p := range c.ExtConfig {
		r.ExtConfig = append(r.ExtConfig, &api.RecordField{Name: new(p.Name), Value: new(p.Value)})
	}
	r.VersionDesc = nonZero(c.VersionDesc)
	r.InstanceVersion = nonZero(c.InstanceVersion)
	r.EventDesc = nonZero(c.EventDesc)
	return r
}

// values returns the values of extConfig: they may be passwords, and an answer may
// repeat them.
func values(c *spec.Commit) []string {
	list := make([]string, 0, len(c.ExtConfig))
	for _, p := range c.ExtConfig {
		list = append(list, p.Value)
	}
	return list
}

func taskType(t spec.TaskType) *uint64 { return nonZero(uint64(t)) }

// nonZero returns v for a field to be sent, or nil for one not to be.
func nonZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return new(v)
}
