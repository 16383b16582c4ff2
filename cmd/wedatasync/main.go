// Command wedatasync keeps Tencent WeData integration tasks at the versions that a
// git repository says they should be at.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	_ "time/tzdata" // freeze windows name time zones, and the image has no zone files

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/internal/usage"
	"github.com/wedatasync/wedatasync/spec"
)

func main() { os.Exit(run()) }

// run gives the first signal a chance to end what is under way; the second one
// ends the process at once.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return execute(ctx, os.Args[1:], system())
}

// execute runs the command line and returns its exit code.
func execute(ctx context.Context, args []string, io stdio) int {
	io.err = text.NoCommands(io.err)
	root := newRoot(&io, named(args))
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		complete(root) // it goes through all flags, for which no other command has to wait
	}
	root.SetArgs(args)
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	cmd, err := root, usage.Mistyped(root, args)
	if err == nil {
		cmd, err = root.ExecuteContextC(ctx)
	}
	complain(io.err, err, cmd.CommandPath())
	return exitCode(err)
}

// constructors makes the commands, by name. Those that show others need all of them.
var constructors = map[string]func(*stdio) *cobra.Command{
	"run": newRunCommand, "plan": newPlanCommand, "validate": newValidateCommand, "comment": newCommentCommand, "import": newImportCommand,
	"release": newReleaseCommand, "wait": newWaitCommand, "sync": newSyncCommand,
	"status": newStatusCommand, "explain": newExplainCommand, "history": newHistoryCommand,
	"approve": newApproveCommand, "retry": newRetryCommand, "resolve": newResolveCommand, "suspend": newSuspendCommand, "unsuspend": newUnsuspendCommand,
	"state": newStateCommand, "doctor": newDoctorCommand, "simulate": newSimulateCommand, "schema": newSchemaCommand, "version": newVersionCommand,
}

// named returns the one command that the command line names, or nothing if it takes others
// to understand it. To make all takes a millisecond, a tenth of what a plan of a pull
// request takes.
func named(args []string) string {
	if len(args) == 0 || constructors[args[0]] == nil {
		return ""
	}
	return args[0]
}

// newRoot makes the program's command with all others, or only with the one of that name.
func newRoot(io *stdio, only string) *cobra.Command {
	root := &cobra.Command{
		Use:   "wedatasync",
		Short: "Release Tencent WeData integration tasks by pull request",
		Long: `wedatasync keeps Tencent WeData integration tasks at the versions that a git
repository says they should be at: it plans in the pull request, and after the
merge makes only the CommitIntegrationTask calls that are missing.

Try it without an account:

  wedatasync run --simulate --source examples --once`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage.Unknown(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{usage.FlagError(cmd, err)} })
	root.Version = version()
	root.SetVersionTemplate(versionLine())
	for name, construct := range constructors {
		if only == "" || name == only {
			root.AddCommand(construct(io))
		}
	}
	if only == "" {
		root.AddCommand(newManCommand())
	}
	root.InitDefaultCompletionCmd()
	root.SetHelpCommand(usage.HelpCommand())
	root.InitDefaultHelpCmd()
	usage.Arrange(root, groups, examples, func() *pflag.FlagSet { return config.NewFlags().Set }, "config")
	return root
}

// takes makes an argument check whose failures are usage errors.
func takes(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%s: %w", strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" "), err)}
		}
		return nil
	}
}

// addSettings gives a command the shared flags. They count once load was called.
func addSettings(cmd *cobra.Command) *config.Flags {
	s := config.NewFlags()
	cmd.Flags().AddFlagSet(s.Set)
	return s
}

// version returns what the binary was built from: a tag, or a revision.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if revision == "" {
		return "devel"
	}
	return "devel-" + revision + dirty
}

func goVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.GoVersion
	}
	return "unknown"
}

func versionLine() string { return fmt.Sprintf("wedatasync %s (%s)\n", version(), goVersion()) }

func newVersionCommand(io *stdio) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  takes(usage.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return json.NewEncoder(io.out).Encode(map[string]string{"version": version(), "go": goVersion()})
			}
			_, err := fmt.Fprint(io.out, versionLine())
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newSchemaCommand(io *stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "schema [spec|plan]",
		Short: "Print the JSON Schema of specs, or of plans",
		Long: `Schema prints the JSON Schema (draft 2020-12) of specs, or of what plan -o json
prints. Editors use that of specs with this first line in a spec:

  # yaml-language-server: $schema=PATH/schema.json`,
		Args:      takes(cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs)),
		ValidArgs: []string{"spec", "plan"},
		RunE: func(_ *cobra.Command, args []string) error {
			schema := spec.Schema()
			if first(args) == "plan" {
				schema = report.PlanSchema()
			}
			_, err := io.out.Write(schema)
			return err
		},
	}
}
