package main

import (
	"errors"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/spec"
)

func newValidateCommand(io *stdio) *cobra.Command {
	var strict bool
	cmd := &cobra.Command{
		Use:   "validate [DIR]",
		Short: "Check specs, without network or credentials",
		Long: `Validate checks the specs in a folder, the current one by default. Every complaint
is file:line:column: message.

Exit codes: 0 valid; 1 an error, or with --strict a warning.`,
		Args: takes(cobra.MaximumNArgs(1)),
	}
	cmd.ValidArgsFunction = folders
	o := addOutput(cmd)
	cmd.Flags().BoolVar(&strict, "strict", false, "take warnings for errors")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		dir := "."
		if len(args) > 0 {
			dir = args[0]
		}
		specs, err := command.ReadSpecs(cmd.Context(), dir)
		if err != nil {
			if o.format == "text" {
				return err
			}
			return errors.Join(err, o.write(io, failureDocument(report.Failure{Err: err}), 0))
		}
		problems := slices.Clone(specs.Problems())
		at := dir // as who runs the command would open the file
		if o.format == "github" || o.format == "gitlab" {
			at = command.InRepository(dir)
		}
		for i := range problems {
			problems[i].File = filepath.ToSlash(filepath.Join(at, problems[i].File))
			if strict {
				problems[i].Severity = spec.SeverityError
			}
		}
		v := report.Validation{Files: specs.Files(), Specs: specs.Len(), Problems: problems}
		if err := o.write(io, validationDocument(v), 0); err != nil {
			return err
		}
		if problems.Errors() > 0 {
			return exitStatus(exitError)
		}
		return nil
	}
	return cmd
}
