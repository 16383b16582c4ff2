package doctor

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/reconcile/approval"
	"github.com/wedatasync/wedatasync/reconcile/approval/listing"
	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// How far this machine's clock may be off.
const (
	fineOffset = 30 * time.Second
	mostOffset = wedata.MaxSkew
)

// examineEndpoint connects to the endpoint, and compares the clocks.
func examineEndpoint(ctx context.Context, s *Subject) (r result) {
	if _, err := wedata.CheckEndpoint(s.Settings.Endpoint, s.Settings.PlainHosts); err != nil {
		return r // the configuration is at fault
	}
	reach, err := wedata.TryEndpoint(ctx, wedata.Config{Endpoint: s.Settings.Endpoint, PlainHosts: s.Settings.PlainHosts, UserAgent: "wedatasync/" + s.Version})
	if err != nil {
		r.fail(checkEndpoint, "%s: %v", s.Settings.Endpoint, err)
		r.warn(checkClock, "it could not be compared with the endpoint's, which is not reached")
		return r
	}
	over := "without encryption"
	if reach.TLS != "" {
		over = "over " + reach.TLS
	}
	r.ok(checkEndpoint, "%s answers within %v, %s", s.Settings.Endpoint, reach.RoundTrip.Round(time.Millisecond), over)
	examineClock(reach, &r)
	return r
}

func examineClock(reach wedata.Reach, r *result) {
	if !reach.Skew.Known {
		r.warn(checkClock, "it could not be compared with the endpoint's, which does not say its time")
		return
	}
	const mend = "this machine's is %v the endpoint's: nothing is sent if it is over %v off: synchronize it, with chrony or systemd-timesyncd"
	switch off := reach.Skew.Ahead().Abs(); {
	case off > mostOffset:
		r.fail(checkClock, mend, reach.Skew, mostOffset)
	case off > fineOffset:
		r.warn(checkClock, mend, reach.Skew, mostOffset)
	default:
		r.ok(checkClock, "this machine's and the endpoint's are %v apart", off.Round(time.Second))
	}
}

// examineCredentials finds the credentials.
func examineCredentials(ctx context.Context, s *Subject) (r result) {
	logged := new(warnings)
	found, err := wedata.FindCredentials(ctx, wedata.CredentialSources{Getenv: s.Getenv, Logger: slog.New(logged)})
	if err != nil {
		r.fail(checkCredentials, "%v", err)
		return r
	}
	for _, text := range logged.texts() {
		r.warn(checkCredentials, "%s", text)
	}
	r.credentials = found
	r.ok(checkCredentials, "they come from %s", found.Origin())
	return r
}

// reading is the part of the API that a doctor is given: nothing of it writes.
type reading interface {
	Read(ctx context.Context, key spec.Key, t spec.TaskType, gate pace.Gate) (*state.Live, error)
	Page(ctx context.Context, q drift.Query, number int, gate pace.Gate) (drift.Page, error)
	Approvals(ctx context.Context, page int, gate pace.Gate) ([]approval.Row, error)
	Close() error
}

// Bounds of what is read: a daemon shares the account's limit.
const (
	mostProjects = 10
	readRate     = 5 // a second
)

// examinePermissions reads a task of each project, as the daemon does before a commit.
func examinePermissions(ctx context.Context, s *Subject, known result) (r result) {
	const untried = "they were not tried: "
	if known.credentials == nil {
		r.warn(checkPermissions, untried+"there are no credentials")
		return r
	}
	tasks := oneOfEach(known.tasks)
	if len(tasks) == 0 {
		r.warn(checkPermissions, untried+"neither the state nor the specs name a task to read")
		return r
	}
	client, err := s.connect(known.credentials)
	if err != nil {
		r.warn(checkPermissions, untried+"%v", err)
		return r
	}
	var api reading = client
	defer api.Close()
	policy := plan.DriftPolicy(s.Settings.DriftPolicy)
	if r.readEach(ctx, api, tasks, policy) {
		r.list(ctx, api, tasks[0], policy)
		r.listApprovals(ctx, api)
		r.noteCommits(known.committed)
	}
	return r
}

// oneOfEach returns a task of each project, of the first of them if there are many.
func oneOfEach(tasks []task) []task {
	seen := map[string]bool{}
	var one []task
	for _, t := range tasks {
		if !seen[t.key.ProjectID] && len(one) < mostProjects {
			seen[t.key.ProjectID] = true
			one = append(one, t)
		}
	}
	return one
}

// readEach reads the tasks, and reports whether the credentials are good for that.
func (r *result) readEach(ctx context.Context, api reading, tasks []task, policy plan.DriftPolicy) bool {
	pacer := pace.New(readRate)
	var denied []string
	for _, t := range tasks {
		_, err := api.Read(ctx, t.key, t.taskType, pacer.Gate)
		switch {
		case ctx.Err() != nil:
			r.fail(checkPermissions, "they were not all tried: %v", context.Cause(ctx))
			return false
		case errors.Is(err, wedata.ErrAuth):
			r.fail(checkCredentials, "WeData does not accept them: %v", err)
			return false
		case errors.Is(err, wedata.ErrTemporary):
			r.fail(checkCredentials, "WeData could not be asked whether it accepts them: %v", err)
			return false
		case errors.Is(err, plan.ErrReadDenied):
			denied = append(denied, t.key.ProjectID)
		}
		// Whatever else is wrong with the task, it was read.
	}
	r.ok(checkCredentials, "WeData accepts them")
	switch {
	case len(denied) > 0 && policy == plan.PolicyHeal:
		r.fail(checkPermissions, "no reading in project %s: driftPolicy is heal, and nothing is healed that cannot be read: grant wedata:DescribeIntegrationTask, as in deploy/cam/apply.json", strings.Join(denied, ", "))
	case len(denied) > 0:
		r.warn(checkPermissions, "no reading in project %s: a commit whose answer is lost there requires operator action: grant wedata:DescribeIntegrationTask, as in deploy/cam/apply.json", strings.Join(denied, ", "))
	default:
		r.ok(checkPermissions, "tasks may be read in %s", counted(len(tasks), "project"))
	}
	return true
}

// list asks for the tasks of a project, which only imports, and comparing with what is
// live, need.
func (r *result) list(ctx context.Context, api reading, t task, policy plan.DriftPolicy) {
	_, err := api.Page(ctx, drift.Query{ProjectID: t.key.ProjectID, TaskType: t.taskType}, 1, nil)
	switch denied := errors.Is(err, plan.ErrReadDenied); {
	case denied && policy != plan.PolicyReport:
		r.fail(checkPermissions, "no listing in project %s: driftPolicy is %s, and drift is not seen: grant wedata:DescribeIntegrationTasks, as in deploy/cam/plan.json", t.key.ProjectID, policy)
	case denied:
		r.warn(checkPermissions, "no listing in project %s: an import, and seeing drift, need wedata:DescribeIntegrationTasks, as in deploy/cam/plan.json", t.key.ProjectID)
	}
}

// listApprovals asks for the list of approvals, which commits that wait for one need.
func (r *result) listApprovals(ctx context.Context, api reading) {
	switch _, err := api.Approvals(ctx, 0, nil); {
	case errors.Is(err, plan.ErrReadDenied):
		r.warn(checkPermissions, "no list of approvals: who has to approve a commit in WeData is not shown, and a rejection is not seen: grant wedata:DescribeApproveList, as in deploy/cam/apply.json")
	case err != nil && !errors.Is(err, listing.ErrNoPage):
		r.warn(checkPermissions, "the list of approvals could not be read: %v", err)
	}
}

// noteCommits adds what only a commit can show.
func (r *result) noteCommits(last time.Time) {
	if last.IsZero() {
		r.ok(checkPermissions, "whether commits are permitted only a commit shows; the state knows of none")
		return
	}
	r.ok(checkPermissions, "whether commits are permitted only a commit shows; WeData took the last one at %s", last.UTC().Format(time.RFC3339))
}

// connect returns a client of the endpoint of the settings.
func (s *Subject) connect(credentials *wedata.Credentials) (*wedata.Client, error) {
	return wedata.New(wedata.Config{
		PlainHosts: s.Settings.PlainHosts, Endpoint: s.Settings.Endpoint, Region: s.Settings.Region,
		Credentials: credentials, UserAgent: "wedatasync/" + s.Version,
	})
}
