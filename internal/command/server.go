package command

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/release"
	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/internal/serve/status"
	"github.com/wedatasync/wedatasync/internal/transport"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// askWithin bounds a request to a daemon; a command may take longer, as calls that are
	// under way have to end first.
	askWithin     = 30 * time.Second
	commandWithin = time.Minute
	// maxProblem bounds what is read of an answer that says what is wrong, in bytes.
	maxProblem = 64 << 10
	// historyAtOnce is how many rows of the history the API gives at the most.
	historyAtOnce = 1000
)

// Server is where a daemon answers, and how it is reached.
type Server struct {
	URL        string // such as https://wedatasync.example.com
	Token      string // empty: none is sent
	CAFile     string // more certificates to trust, in PEM; may be empty
	PlainHosts secret.PlainHosts
}

// maxToken bounds a file with a token, in bytes.
const maxToken = 4 << 10

// ReadToken returns the token for a daemon: of the file, or the one that variables name.
func ReadToken(getenv func(string) string, path string) (string, error) {
	token := getenv(config.EnvName("token"))
	if path = cmp.Or(path, getenv(config.EnvName("token-file"))); path != "" {
		data, err := file.ReadSecret("--token-file", path, maxToken, nil)
		if err != nil {
			return "", err
		}
		token, _, _ = strings.Cut(string(data), "\n")
	}
	return strings.TrimSpace(token), nil
}

// Remote returns the access to a daemon by its API.
func Remote(s Server) (Access, error) {
	base, err := url.Parse(s.URL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("--server: %s is not the URL of a daemon, such as https://wedatasync.example.com", gitremote.Redact(s.URL))
	}
	if base.User != nil || base.RawQuery != "" {
		return nil, errors.New("--server: the URL must not hold a token: give it with --token-file or WEDATASYNC_TOKEN")
	}
	if s.Token != "" {
		if err := s.PlainHosts.Check(base); err != nil {
			return nil, fmt.Errorf("--server: %w", err)
		}
	}
	roots, err := transport.ReadRootCAs("--ca-file", s.CAFile)
	if err != nil {
		return nil, err
	}
	client := &http.Client{
		Transport:     transport.New(transport.Options{RootCAs: roots}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &remote{base: base, token: s.Token, client: client}, nil
}

type remote struct {
	base   *url.URL
	token  string
	client *http.Client
}

// Running implements [Access]: whether the daemon answers is said by each request.
func (*remote) Running() bool { return true }

func (r *remote) Newest(ctx context.Context, n int) ([]release.Release, error) {
	var answer struct {
		Releases []release.Release `json:"releases"`
	}
	err := r.get(ctx, "/releases", url.Values{"limit": {strconv.Itoa(n)}}, &answer)
	return answer.Releases, err
}

func (r *remote) Release(ctx context.Context, name string) (release.Release, error) {
	var found release.Release
	err := r.get(ctx, "/releases/"+url.PathEscape(cmp.Or(name, "newest")), nil, &found)
	return found, err
}

// Submit leaves the actor out, unless one was named: a token with a name says who acts.
func (r *remote) Submit(ctx context.Context, c state.Command) (state.CommandResult, error) {
	body, err := json.Marshal(map[string]any{"verb": c.Verb, "target": c.Target, "arg": c.Arg, "until": c.Until, "actor": c.Actor})
	if err != nil {
		return state.CommandResult{}, fmt.Errorf("write a command: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, commandWithin)
	defer cancel()
	var result state.CommandResult
	err = r.ask(ctx, http.MethodPost, "/commands", nil, bytes.NewReader(body), &result)
	return result, err
}

// Condition implements [Access].
func (r *remote) Condition(ctx context.Context, _ parts.Env, _ time.Time) (*Condition, error) {
	s := new(status.Status)
	if err := r.get(ctx, "/status", nil, s); err != nil {
		return nil, err
	}
	c := &Condition{Running: true, Status: s, Identity: state.Identity{Source: s.Source.URL, Branch: s.Source.Branch}}
	c.Control = state.Control{Revision: s.Applied, Pauses: s.Pauses, Suspended: s.Suspended, DriftScan: s.Drift}
	for _, a := range s.Approvals {
		c.Control.Approvals = append(c.Control.Approvals, state.Approval{
			PlanHash: a.PlanHash, Guards: a.Guards, Calls: make([]spec.Digest, min(max(a.Left, 0), 1_000_000)), Used: a.Used, Actor: a.Actor, At: a.At, Expires: a.Expires,
		})
	}
	return c, nil
}

// View asks the daemon for what is read of it.
func (r *remote) View(context.Context) (View, error) { return &remoteView{from: r}, nil }

// Plan reads what the daemon's plan has of the tasks that somebody may mean. It has no records.
func (r *remote) Plan(ctx context.Context, _ parts.Env, said string) (*plan.Plan, error) {
	var doc exportedPlan
	if err := r.get(ctx, "/plan", url.Values{"task": {said}}, &doc); err != nil {
		return nil, err
	}
	p := &plan.Plan{Hash: doc.Hash, Source: plan.SourceInfo{Revision: doc.Source.Revision}}
	for _, h := range doc.Holds {
		p.Holds = append(p.Holds, plan.GuardHold{Guard: h.Guard, Message: h.Message, Approvable: h.Approvable})
	}
	for _, c := range doc.Changes {
		change := plan.Change{Key: spec.Key{ProjectID: c.ProjectID, TaskID: c.TaskID}, Action: c.Action, Reason: c.Reason, Hold: c.Hold, Detail: c.Detail, Impact: c.Impact}
		if c.CommitType != nil {
			change.Want = &spec.Commit{Key: change.Key, Name: c.Name, CommitType: *c.CommitType, Pos: spec.Pos{File: c.File, Line: c.Line}}
			if c.After != nil {
				change.Want.InstanceVersion = c.After.InstanceVersion
			}
		}
		for _, f := range c.Fields {
			change.Fields = append(change.Fields, plan.Field{Name: f.Name, Before: f.Before, After: f.After, Secret: f.Sensitive})
		}
		p.Changes = append(p.Changes, change)
	}
	return p, nil
}

func (r *remote) get(ctx context.Context, path string, query url.Values, into any) error {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	return r.ask(ctx, http.MethodGet, path, query, nil, into)
}

// ask makes one request below /api/v1, and decodes its answer.
func (r *remote) ask(ctx context.Context, method, path string, query url.Values, body io.Reader, into any) (err error) {
	at := r.base.JoinPath("/api/v1", path)
	at.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, at.String(), body)
	if err != nil {
		return fmt.Errorf("ask %s: %w", r.base, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	res, err := r.client.Do(req)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	if err != nil {
		return fmt.Errorf("ask the daemon at %s: %w: %w: check --server, and whether the daemon runs", r.base, ErrAway, err)
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	switch res.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusConflict:
		if err := json.NewDecoder(io.LimitReader(res.Body, MaxExport)).Decode(into); err != nil {
			return fmt.Errorf("read what the daemon at %s answers to %s %s: %w", r.base, method, path, err)
		}
		return nil
	default:
		return r.refusal(res, method, path)
	}
}

// refusal says why the daemon did not do it, and what to do.
func (r *remote) refusal(res *http.Response, method, path string) error {
	var problem struct {
		Detail string `json:"detail"`
	}
	data, _ := io.ReadAll(io.LimitReader(res.Body, maxProblem)) // what cannot be read says nothing
	_ = json.Unmarshal(data, &problem)
	said := fmt.Errorf("the daemon at %s answers %s", r.base, res.Status)
	if problem.Detail != "" {
		said = fmt.Errorf("%w: %s", said, problem.Detail)
	}
	switch {
	case res.StatusCode >= http.StatusInternalServerError:
		return fmt.Errorf("%w: %w", ErrAway, said)
	case res.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("%w: give a token with --token-file or WEDATASYNC_TOKEN", said)
	case res.StatusCode == http.StatusMisdirectedRequest && problem.Detail == "":
		return fmt.Errorf("%w: set allowedHosts in the daemon's configuration, or use a name that it lists", said)
	case res.StatusCode == http.StatusNotFound && method == http.MethodPost:
		return fmt.Errorf("%w: no token may act there: set tokens or --action-token-file for the daemon", said)
	case res.StatusCode == http.StatusNotFound && strings.HasPrefix(path, "/releases/") && problem.Detail != "":
		return fmt.Errorf("%w: %s", release.ErrUnknown, strings.TrimPrefix(problem.Detail, release.ErrUnknown.Error()+": "))
	default:
		return said
	}
}

// exportedPlan is what single tasks need of a plan as the API has it: see its schema.
type exportedPlan struct {
	Hash   string `json:"plan_hash"`
	Source struct {
		Revision string `json:"revision"`
	} `json:"source"`
	Holds []struct {
		Guard      string `json:"guard"`
		Message    string `json:"message"`
		Approvable bool   `json:"approvable"`
	} `json:"holds"`
	Changes []struct {
		TaskID     string           `json:"task_id"`
		ProjectID  string           `json:"project_id"`
		Name       string           `json:"name"`
		File       string           `json:"file"`
		Line       int              `json:"line"`
		Action     plan.Action      `json:"action"`
		Reason     plan.Reason      `json:"reason"`
		Hold       plan.HoldReason  `json:"hold"`
		Detail     string           `json:"detail"`
		Impact     plan.Impact      `json:"impact"`
		CommitType *spec.CommitType `json:"commit_type"`
		After      *struct {
			InstanceVersion int64 `json:"instance_version"`
		} `json:"after"`
		Fields []struct {
			Name      string `json:"name"`
			Before    any    `json:"before"`
			After     any    `json:"after"`
			Sensitive bool   `json:"sensitive"`
		} `json:"fields"`
	} `json:"changes"`
}
