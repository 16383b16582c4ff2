package main

import (
	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/app"
	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/report"
)

func newRunCommand(io *stdio) *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Keep the tasks at the versions of the source",
		Long: `Run polls the source, compares it with the state, and makes the commits that are
missing, until a signal ends it. With --once it makes one pass.

It takes over what changes in the configuration file and the credentials, without a
restart; SIGHUP makes it look at once.

Exit codes of --once: 0 done, nothing left; 1 an error, a file that cannot be used,
or a newest revision that is not verified; 3 held by a guard; 4 some commits refused
or waiting, the rest applied; 6 an unknown outcome remains; 7 the state is locked by
another process.`,
		Args: takes(cobra.NoArgs),
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
		env := parts.Env{Getenv: io.getenv, Log: io.err, Quiet: console.progress && !s.Given("log-level"), Version: version(), OwnState: s.Given("state"), Daemon: !once}
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
		return passStatus(result)
	}
	return cmd
}
