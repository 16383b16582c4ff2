package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/release"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

func newHistoryCommand(io *stdio) *cobra.Command {
	var asJSON bool
	var query state.HistoryQuery
	cmd := &cobra.Command{
		Use:   "history [TASK]",
		Short: "Show what was done, the newest first",
		Long: `History shows a row for each attempt: the version, the commit type, what became of it,
the revision and its author; tries that had to wait are counted in the row of the last
one. Commands of operators, drift and what concerns all tasks have rows of their own.
TASK is a task's id, projectId/taskId, its name, or the beginning of one that no other
task has. It works while the daemon runs, and changes nothing. With --json it prints
the events themselves, one document a line.`,
		Args: takes(cobra.MaximumNArgs(1)),
	}
	s := addAccess(cmd)
	cmd.ValidArgsFunction = completeTask(io, s, anyTask)
	cmd.Flags().IntVar(&query.Limit, "limit", 50, "the most `rows`")
	cmd.Flags().Int64Var(&query.Before, "before", 0, "rows before this `number` only")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document an event")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if query.Limit < 1 || query.Limit > state.MaxHistory {
			return usageError{fmt.Errorf("--limit: %d is not between 1 and %d", query.Limit, state.MaxHistory)}
		}
		if query.Before < 0 {
			return usageError{fmt.Errorf("--before: %d is negative", query.Before)}
		}
		from, err := s.open(io)
		if err != nil {
			return err
		}
		ctx := cmd.Context()
		r, err := from.View(ctx)
		if err != nil {
			return err
		}
		defer r.Close() // it was only read
		if len(args) > 0 {
			key, err := command.FindTask(ctx, r, nil, args[0], true)
			if err != nil {
				return err
			}
			query.Key = &key
		}
		if asJSON {
			return writeEvents(ctx, io, r, query)
		}
		return writeRows(ctx, io, r, query)
	}
	return cmd
}

func writeEvents(ctx context.Context, io *stdio, r command.View, q state.HistoryQuery) error {
	events, err := r.History(ctx, q)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(text.NoCommands(io.out))
	for i := range events {
		if err := encoder.Encode(&events[i]); err != nil {
			return err
		}
	}
	return nil
}

// eventsARow is about how many events a row has: an intent, its outcome, and a read-back.
const eventsARow = 3

// writeRows reads as many events as make the rows, and prints these.
func writeRows(ctx context.Context, io *stdio, r command.View, q state.HistoryQuery) error {
	limit := q.Limit
	q.Limit = min(limit*eventsARow, state.MaxHistory)
	var events []state.Event
	var rows []release.Row
	for {
		more, err := r.History(ctx, q)
		if err != nil {
			return err
		}
		events = append(events, more...)
		rows = release.Rows(events)
		if len(rows) > limit || len(more) < q.Limit || len(events) >= state.MaxHistory {
			break
		}
		q.Before = more[len(more)-1].Seq
	}
	for i := range rows[:min(len(rows), limit)] {
		if _, err := fmt.Fprintln(io.out, text.Visible(rowText(&rows[i]))); err != nil {
			return err
		}
	}
	return nil
}

// rowText writes a row of the history on one line.
func rowText(r *release.Row) string {
	parts := []string{fmt.Sprintf("#%d", r.Event.Seq), clock(r.Event.At), r.Kind()}
	if r.Key != (spec.Key{}) {
		parts = append(parts, explain.Label(r.Wanted.Name, r.Key.String()))
	}
	if r.Wanted.CommitType != "" {
		parts = append(parts, r.Wanted.CommitType+versionText(r.Wanted.InstanceVersion))
	}
	parts = append(parts, resultText(r))
	if r.Tries > 1 {
		parts = append(parts, fmt.Sprintf("%d tries in %v", r.Tries, r.Event.At.Sub(r.At).Round(time.Millisecond)))
	}
	parts = append(parts, r.Outcome.Code, r.Outcome.Message)
	for _, note := range r.Notes {
		if note != string(r.Stage) { // which is said already
			parts = append(parts, note)
		}
	}
	if r.Outcome.RequestID != "" {
		parts = append(parts, "request "+r.Outcome.RequestID)
	}
	if r.Revision != "" {
		parts = append(parts, "revision "+plan.Short(r.Revision))
	}
	if r.Author != "" {
		parts = append(parts, "by "+r.Author)
	}
	var said []string
	for _, p := range parts {
		if p != "" {
			said = append(said, p)
		}
	}
	return strings.Join(said, "  ")
}

// resultText says what became of an attempt: what its answer means, and how far the task is.
func resultText(r *release.Row) string {
	class, stage := string(r.Outcome.Class), explain.OfStage(r.Stage, r.Outcome).Label
	if class == "" || stage == "" || class == stage {
		return cmp.Or(class, stage)
	}
	return class + ", " + stage
}
