package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/recording"
	"github.com/wedatasync/wedatasync/internal/usage"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

// simulateFlags are the flags of simulate.
type simulateFlags struct {
	listen, ledger string
	limit          int
	known          bool
	profile        string
	approveAs      string
	replay         string
	behavior       wedatasim.Behavior
}

func newSimulateCommand(io *stdio) *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Run a strict WeData endpoint on this machine",
		Long: `Simulate answers CommitIntegrationTask, DescribeIntegrationTask,
DescribeIntegrationTasks, DescribeTaskLockStatus and DescribeApproveList as the
service does: it checks signatures, parameters and types, and counts requests a second. Tasks exist from
their first commit on, until it ends. Under /_sim/ it shows its tasks and its ledger,
and takes instructions to lock, delay, drop, fail and deny.

Flags choose what the service's documentation leaves open: what reads return, how old
that is, approvals, a clock that is off; see docs/simulator.md.`,
		Args: takes(usage.NoArgs),
	}
	f.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		opts, err := f.options()
		if err != nil {
			return err
		}
		if f.ledger != "" {
			ledger, err := os.OpenFile(f.ledger, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
			if err != nil {
				return fmt.Errorf("open the ledger: %w", err)
			}
			defer ledger.Close()
			opts.Ledger = ledger
		}
		var faults []wedatasim.Fault
		if f.replay != "" {
			if faults, err = recording.Replay("--replay", f.replay, &opts); err != nil {
				return err
			}
		}
		return simulate(cmd.Context(), io, f.listen, opts, faults...)
	}
	return cmd
}

func (f *simulateFlags) add(cmd *cobra.Command) {
	flags, b := cmd.Flags(), &f.behavior
	flags.StringVar(&f.listen, "listen", "127.0.0.1:9741", "loopback `address` to listen on")
	flags.StringVar(&f.ledger, "ledger", "", "`file` to append each request to, as lines of JSON")
	flags.IntVar(&f.limit, "limit", 20, "`requests` a second of each action")
	flags.BoolVar(&f.known, "known-only", false, "refuse commits of tasks that were not created before")
	flags.StringVar(&f.profile, "profile", "full", "`name` of what reads return, or drawn-N for one at random")
	flags.DurationVar(&b.ReadLag, "read-lag", 0, "`duration` by which a read may show an older state")
	flags.DurationVar(&b.Skew, "skew", 0, "`duration` by which the endpoint's clock is ahead")
	flags.StringVar(&f.approveAs, "approvals", "", "`end` of the approval that each commit waits for: passed, rejected, withdrawn, failed, drawn or order")
	flags.DurationVar(&b.Approvals.After, "approve-after", time.Minute, "`duration` until an approval ends")
	flags.StringSliceVar(&b.Approvals.Projects, "approve-projects", []string{"*"}, "`projects` whose commits wait, with --approvals")
	flags.StringVar(&f.replay, "replay", "", "`file` of doctor --record, in whose shape reads are answered")
	flags.StringVar(&b.LockMessage, "lock-message", "", "`text` for a locked task, with {locker} for who holds it")
}

// options returns what the flags set. The error is a usageError.
func (f *simulateFlags) options() (wedatasim.Options, error) {
	if addr, err := netip.ParseAddrPort(f.listen); err != nil || !addr.Addr().IsLoopback() {
		return wedatasim.Options{}, usageError{fmt.Errorf("--listen: %q is not a loopback address with a port, such as 127.0.0.1:9741", f.listen)}
	}
	profile, err := wedatasim.ProfileOf(f.profile)
	if err != nil {
		return wedatasim.Options{}, usageError{fmt.Errorf("--profile: %w", err)}
	}
	b := f.behavior
	b.Profile = profile
	switch f.approveAs {
	case "":
		b.Approvals = wedatasim.Approvals{}
	case "order": // no end of its own
	default:
		b.Approvals.End = wedatasim.ApprovalState(f.approveAs)
	}
	if b.ReadLag < 0 || b.ReadLag > wedatasim.MaxReadLag {
		return wedatasim.Options{}, usageError{fmt.Errorf("--read-lag: %s is not between 0 and %s", b.ReadLag, wedatasim.MaxReadLag)}
	}
	if err := b.Check(); err != nil {
		return wedatasim.Options{}, usageError{fmt.Errorf("--approvals: %w", err)}
	}
	return wedatasim.Options{Limit: f.limit, KnownOnly: f.known, Behavior: b}, nil
}

// simulate serves until ctx is done. It prints how to use it once it listens.
func simulate(ctx context.Context, io *stdio, listen string, opts wedatasim.Options, faults ...wedatasim.Fault) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := wedatasim.New(opts)
	for _, f := range faults {
		server.Inject(f)
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	account := wedatasim.DefaultAccount()
	fmt.Fprintf(io.out, `WeData is simulated at http://%s. To use it:

  export TENCENTCLOUD_SECRET_ID=%s TENCENTCLOUD_SECRET_KEY=%s
  wedatasync run --source DIR --endpoint http://%[1]s --accept-horizon 5s

Its tasks and faults are under http://%[1]s/_sim/.
`, l.Addr(), account.SecretID, account.SecretKey)
	if err := server.Serve(l); err != nil && !errors.Is(err, net.ErrClosed) && ctx.Err() == nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
