package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/doctor"
	"github.com/wedatasync/wedatasync/internal/usage"
)

func newDoctorCommand(io *stdio) *cobra.Command {
	var format, record, task string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check an installation for problems; changes nothing",
		Long: `Doctor checks the configuration, the files of secrets, the state, the repository and
its specs, the endpoint, the clock, the credentials and what they permit, and the
address to listen at. It says what to do about what it finds. It changes nothing,
and works while the daemon runs. Run it as the daemon's user, with its settings.

What it cannot try is whether commits are permitted: only a commit shows that.

With --record, doctor makes no checks. It reads one task in each way in which
wedatasync could, and writes the answers to a file. Names, ids, accounts and texts are
replaced; what is null, a small number, a time or a status is kept.

Exit codes: 0 the daemon can run; 1 it cannot, or cannot do all of its work.`,
		Args: takes(usage.NoArgs),
	}
	s := addSettings(cmd)
	cmd.Flags().StringVarP(&format, "output", "o", "text", "`format`: text, json")
	completeFlag(cmd, "output", oneOf("text", "json"))
	cmd.Flags().StringVar(&record, "record", "", "`file` to write masked answers about one task to, with --task")
	cmd.Flags().StringVar(&task, "task", "", "`PROJECT/TASK` to record")
	cmd.Flags().DurationVar(&timeout, "timeout", time.Minute, "how long one check may take")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		err := s.Load(io.getenv)
		switch {
		case format != "text" && format != "json":
			return usageError{fmt.Errorf("--output: %q is not one of text, json", format)}
		case timeout <= 0:
			return usageError{fmt.Errorf("--timeout: %v is not above 0", timeout)}
		case s.Simulate:
			return usageError{errors.New("--simulate: a simulated endpoint has no installation to check")}
		}
		subject := doctor.Subject{
			Settings: s.Settings, ConfigFile: s.ExistingFile(), ConfigErr: err,
			Getenv: io.getenv, Version: version(), Timeout: timeout,
		}
		switch {
		case (record == "") != (task == ""):
			return usageError{errors.New("--record and --task: give both")}
		case record != "" && err != nil:
			return err
		case record != "":
			return doctor.Record(cmd.Context(), io.out, subject, task, record)
		}
		report := doctor.Examine(cmd.Context(), subject)
		write := report.Text
		if format == "json" {
			write = report.JSON
		}
		if err := write(io.out); err != nil {
			return err
		}
		if report.Count(doctor.LevelError) > 0 {
			return exitStatus(exitError)
		}
		return nil
	}
	return cmd
}
