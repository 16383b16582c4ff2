package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/spec"
)

// Subject is the installation to examine.
type Subject struct {
	Settings   config.Settings
	ConfigFile string // that was read; empty if there is none
	ConfigErr  error  // why the settings are not what a person set; nil if they are
	Getenv     func(string) string
	Version    string        // of this program
	Timeout    time.Duration // that one check may take
}

// The checks, in the order of a report.
const (
	checkConfiguration = "configuration"
	checkSecrets       = "secrets"
	checkState         = "state"
	checkRepository    = "repository"
	checkSpecs         = "specs"
	checkEndpoint      = "endpoint"
	checkClock         = "clock"
	checkCredentials   = "credentials"
	checkPermissions   = "permissions"
	checkListen        = "listen"
)

func checks() []string {
	return []string{
		checkConfiguration, checkSecrets, checkState, checkRepository, checkSpecs,
		checkEndpoint, checkClock, checkCredentials, checkPermissions, checkListen,
	}
}

// result is what one part of an examination comes to: its findings, and what the parts
// after it need.
type result struct {
	findings    []Finding
	tasks       []task              // one of each project that is known
	committed   time.Time           // when WeData last took a commit; zero if not known
	credentials *wedata.Credentials // nil if there are none
}

// task is one that may be read, to see whether that is permitted.
type task struct {
	key      spec.Key
	taskType spec.TaskType
}

func (r *result) add(check string, level Level, format string, args ...any) {
	r.findings = append(r.findings, Finding{Check: check, Level: level, Message: fmt.Sprintf(format, args...)})
}

func (r *result) ok(check, format string, args ...any)   { r.add(check, LevelOK, format, args...) }
func (r *result) warn(check, format string, args ...any) { r.add(check, LevelWarning, format, args...) }

func (r *result) fail(check, format string, args ...any) { r.add(check, LevelError, format, args...) }

// part makes one or more checks.
type part struct {
	check string // that it is named for if it does not come back
	run   func(context.Context, *Subject) result
}

// Examine makes every check.
func Examine(ctx context.Context, s Subject) Report {
	all := s.together(ctx,
		part{checkConfiguration, examineConfiguration},
		part{checkSecrets, examineSecrets},
		part{checkState, examineState},
		part{checkRepository, examineSource},
		part{checkEndpoint, examineEndpoint},
		part{checkCredentials, examineCredentials},
		part{checkListen, examineListen},
	)
	// What the credentials are good for is tried on a task that one of them has found.
	tried := s.together(ctx, part{checkPermissions, func(ctx context.Context, s *Subject) result {
		return examinePermissions(ctx, s, all)
	}})
	r := Report{Version: s.Version, Findings: append(all.findings, tried.findings...)}
	order := checks()
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return slices.Index(order, a.Check) - slices.Index(order, b.Check)
	})
	return r
}

// together runs the parts at the same time, and joins what they come to. What does not
// come back in time, as a disk may not, is left behind.
func (s *Subject) together(ctx context.Context, parts ...part) result {
	ctx, cancel := context.WithTimeoutCause(ctx, s.Timeout, fmt.Errorf("no answer within %v: %w", s.Timeout, context.DeadlineExceeded))
	defer cancel()
	results := make([]chan result, len(parts))
	for i, p := range parts {
		results[i] = make(chan result, 1)
		go func() { results[i] <- p.run(ctx, s) }()
	}
	// Those that obey the context get a moment to report what they have found.
	patience, enough := context.WithTimeout(context.WithoutCancel(ctx), s.Timeout+time.Second)
	defer enough()
	var all result
	for i, p := range parts {
		select {
		case <-patience.Done():
		case r := <-results[i]:
			results[i] <- r
		}
		select {
		case r := <-results[i]:
			all.join(r)
		default:
			all.fail(p.check, "the check did not end within %v: a disk or a server does not answer; --timeout allows more time", s.Timeout)
		}
	}
	return all
}

func (r *result) join(other result) {
	r.findings = append(r.findings, other.findings...)
	r.tasks = append(r.tasks, other.tasks...)
	if r.credentials == nil {
		r.credentials = other.credentials
	}
	if r.committed.Before(other.committed) {
		r.committed = other.committed
	}
}

// failLines adds an error a line: that is how errors.Join writes several.
func (r *result) failLines(check string, err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		r.fail(check, "%s", line)
	}
}
