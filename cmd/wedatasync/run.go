package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/app"
	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/internal/usage"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

func newRunCommand(io *stdio) *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Keep the tasks at the versions of the source",
		Long: `Run polls the source, compares it with the state, and makes the commits that are
missing, until a signal ends it. With --once it makes one pass.

It reloads changes of the configuration file and of the credentials without a
restart; SIGHUP makes it reload immediately.

Exit codes of --once: 0 done, nothing left; 1 an error, a file that cannot be used,
or a newest revision that is not verified; 3 held by a guard; 4 some commits refused
or waiting, the rest applied; 6 an unknown outcome remains; 7 the state is locked by
another process.`,
		Args: takes(usage.NoArgs),
	}
	s := addSettings(cmd)
	cmd.Flags().BoolVar(&once, "once", false, "make one pass, and end")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := s.Load(io.getenv); err != nil {
			return usageError{err}
		}
		if err := s.Locate(s.Validate()); err != nil {
			return err
		}
		console := newConsole(io, s, once)
		env := io.env(s)
		env.Quiet, env.Daemon = env.Quiet && console.progress, !once
		if !once {
			env.Config, env.Reload = s.WatchedFile(), func() (config.Settings, error) { return s.Reload(io.getenv) }
			env.Hangup = io.hangup()
		}
		a, err := app.New(cmd.Context(), s.Settings, env, console)
		if err != nil {
			return err
		}
		defer a.Close()
		console.rate = a.Rate
		if !once {
			return a.Run(cmd.Context())
		}
		result, err := a.Once(cmd.Context())
		console.end()
		if err != nil {
			return err
		}
		if err := report.ResultText(io.out, result, report.Options{Color: io.colour(), Width: io.width, Rate: s.CommitRate()}); err != nil {
			return err
		}
		if s.Simulate && !s.Given("state") {
			fmt.Fprintln(io.out, "\nMore about this simulated run: wedatasync status --simulate, wedatasync explain --simulate TASK")
		}
		return passStatus(result)
	}
	return cmd
}

// progressEvery is how often the line of progress is written again.
const progressEvery = 200 * time.Millisecond

// console shows a person what run does: each plan that calls, and on a terminal
// one line of progress while its calls are made.
type console struct {
	io       *stdio
	options  report.Options
	once     bool
	plans    bool           // show the plans
	progress bool           // show the line of progress
	rate     func() float64 // commits a second, as it is set now

	mu      sync.Mutex
	calls   int
	done    int
	applied int
	last    string
	shown   time.Time
	line    bool // the cursor is on the line of progress
	hash    string
}

var _ reconcile.Observer = (*console)(nil)

func newConsole(io *stdio, s *config.Flags, once bool) *console {
	return &console{
		io: io, once: once,
		options:  report.Options{Color: io.colour(), Width: io.width},
		rate:     func() float64 { return s.CommitRate() },
		plans:    once || io.outTerminal,
		progress: io.errTerminal,
	}
}

// Planned shows a plan that differs from the one before.
func (c *console) Planned(p *plan.Plan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls, c.done, c.applied = p.Count(plan.ActionCommit), 0, 0
	shown := p.Hash + p.Source.Revision
	if !c.plans || c.hash == shown {
		return
	}
	c.clear()
	if c.hash != "" {
		fmt.Fprintln(c.io.out)
	}
	c.hash = shown
	// A plan that cannot be shown is no reason not to carry it out.
	options := c.options
	options.Rate = c.rate()
	_ = report.Text(c.io.out, p, options)
	fmt.Fprintln(c.io.out)
}

// Called counts a call.
func (c *console) Called(change *plan.Change, _ *state.Record, out state.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if out.Class != state.ClassThrottled {
		c.done++
	}
	if out.Class == state.ClassApplied {
		c.applied++
	}
	c.last = text.Visible(explain.Label(change.Name(), change.Key.TaskID))
	if now := time.Now(); c.progress && (now.Sub(c.shown) >= progressEvery || c.done == c.calls) {
		c.shown = now
		c.show()
	}
}

// Passed shows what a pass of the daemon came to.
func (c *console) Passed(r *reconcile.Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
	if c.once || !c.plans || r.Applied == 0 && r.Plan.Count(plan.ActionCommit) == 0 {
		return
	}
	options := c.options
	options.Rate = c.rate()
	_ = report.ResultText(c.io.out, r, options)
}

// show writes the line of progress over the one before.
func (c *console) show() {
	c.line = true
	left := time.Duration(float64(max(c.calls-c.done, 0)) / c.rate() * float64(time.Second)).Round(time.Second)
	line := fmt.Sprintf("%d of %d commits, %d applied, about %v left  %s", c.done, c.calls, c.applied, left, c.last)
	if width := c.io.width; width > 1 {
		line = text.Clip(line, width-1)
	}
	fmt.Fprintf(c.io.err, "\r\x1b[K%s", line)
}

// clear takes the line of progress away.
func (c *console) clear() {
	if c.line {
		io.WriteString(c.io.err, "\r\x1b[K")
		c.line = false
	}
}

func (c *console) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
}
