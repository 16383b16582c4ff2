package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

func newSimulateCommand(io *stdio) *cobra.Command {
	var listen, ledger string
	var limit int
	var known bool
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Run a strict WeData endpoint on this machine",
		Long: `Simulate answers CommitIntegrationTask, DescribeIntegrationTask and
DescribeIntegrationTasks as the service does: it checks signatures, parameters and
types, and counts requests a second. Tasks exist from their first commit on, and
are gone when it ends. Under /_sim/ it shows its tasks and its ledger, and takes
orders to lock, delay, drop, fail and deny; see docs/simulator.md.`,
		Args: takes(cobra.NoArgs),
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9741", "loopback `address` to listen on")
	cmd.Flags().StringVar(&ledger, "ledger", "", "`file` to append each request to, as lines of JSON")
	cmd.Flags().IntVar(&limit, "limit", 20, "`requests` a second of each action")
	cmd.Flags().BoolVar(&known, "known-only", false, "refuse commits of tasks that were not created before")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if addr, err := netip.ParseAddrPort(listen); err != nil || !addr.Addr().IsLoopback() {
			return usageError{fmt.Errorf("--listen: %q is not a loopback address with a port, such as 127.0.0.1:9741", listen)}
		}
		opts := wedatasim.Options{Limit: limit, KnownOnly: known}
		if ledger != "" {
			f, err := os.OpenFile(ledger, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
			if err != nil {
				return fmt.Errorf("open the ledger: %w", err)
			}
			defer f.Close()
			opts.Ledger = f
		}
		return simulate(cmd.Context(), io, listen, opts)
	}
	return cmd
}

// simulate serves until ctx is done. It prints how to use it once it listens.
func simulate(ctx context.Context, io *stdio, listen string, opts wedatasim.Options) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := wedatasim.New(opts)
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
