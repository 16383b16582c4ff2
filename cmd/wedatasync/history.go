package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

func newHistoryCommand(io *stdio) *cobra.Command {
	var asJSON bool
	var query state.HistoryQuery
	cmd := &cobra.Command{
		Use:   "history [TASK]",
		Short: "Show what was done, the newest first",
		Long: `History shows the rows of the state's history: every intent and its outcome, every
read-back, and every person's word. TASK is a task id, or projectId/taskId. It works
while the daemon runs, and changes nothing.`,
		Args: takes(cobra.MaximumNArgs(1)),
	}
	s := addSettings(cmd)
	cmd.ValidArgsFunction = completeTask(io, s, anyTask)
	cmd.Flags().IntVar(&query.Limit, "limit", 50, "the most `rows`")
	cmd.Flags().Int64Var(&query.Before, "before", 0, "rows before this `number` only")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document a row")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := s.Load(io.getenv); err != nil {
			return usageError{err}
		}
		r, err := sqlstore.OpenReader(cmd.Context(), s.State)
		if err != nil {
			return err
		}
		defer r.Close()
		if len(args) > 0 {
			key, err := findTask(cmd.Context(), r, nil, args[0])
			if err != nil {
				return err
			}
			query.Key = &key
		}
		events, err := r.History(cmd.Context(), query)
		if err != nil {
			return err
		}
		encoder := json.NewEncoder(report.NoCommands(io.out))
		for i := range events {
			if asJSON {
				err = encoder.Encode(&events[i])
			} else {
				_, err = fmt.Fprintln(io.out, report.Visible(eventText(&events[i])))
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}
