package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

const (
	// completeWithin is how long a shell may wait for a completion, and mostCompletions
	// is more than a person looks through.
	completeWithin  = 2 * time.Second
	mostCompletions = 1000
)

// choices are the values of flags that take one of a few.
var choices = map[string][]string{
	"against":    {command.AgainstState, command.AgainstLive},
	"forge":      {"github", "gitlab", "gitea"},
	"log-format": {"text", "json"},
	"log-level":  {"debug", "info", "warn", "error"},
	"verify":     {"off", "head", "strict"},
}

// complete sets how the arguments and flags of every command are completed, where the
// command itself does not: a flag's usage tells what it takes.
func complete(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		if cmd.ValidArgsFunction == nil && len(cmd.ValidArgs) == 0 && !strings.Contains(cmd.Use, "[FILE]") {
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if _, known := cmd.GetFlagCompletionFunc(f.Name); known {
				return
			}
			values := oneOf(choices[f.Name]...)
			switch takes, _ := pflag.UnquoteUsage(f); takes {
			case "file":
				values = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)
			case "folder", "URL":
				values = folders
			}
			completeFlag(cmd, f.Name, values)
		})
		complete(cmd)
	}
}

// completeFlag sets how a flag that the command has is completed.
func completeFlag(cmd *cobra.Command, flag string, values cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, values); err != nil {
		panic(err) // there is no such flag
	}
}

// oneOf completes one of a few values.
func oneOf(values ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}

// folders completes folders.
var folders = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)

// completeTask completes the first argument with the tasks of the state that match. It
// only reads.
func completeTask(io *stdio, s *config.Flags, match func(*state.Record) bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		if err := s.Load(io.getenv); err != nil {
			return cobra.AppendActiveHelp(nil, err.Error()), cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
		defer cancel()
		tasks, err := matchingTasks(ctx, s.State, begun, match)
		if err != nil {
			return cobra.AppendActiveHelp(nil, err.Error()), cobra.ShellCompDirectiveNoFileComp
		}
		return tasks, cobra.ShellCompDirectiveNoFileComp
	}
}

// matchingTasks returns the tasks of a state whose name begins so. A task is named by
// its id, unless another project has the same one.
func matchingTasks(ctx context.Context, path, begun string, match func(*state.Record) bool) ([]cobra.Completion, error) {
	r, err := sqlstore.OpenReader(ctx, path)
	if err != nil {
		return nil, err
	}
	defer r.Close() // it was only read
	var found []state.Record
	projects := map[string]int{}
	for rec, err := range r.Records(ctx) {
		if err != nil {
			return nil, err
		}
		projects[rec.Key.TaskID]++
		if match(&rec) && len(found) < mostCompletions && (strings.HasPrefix(rec.Key.TaskID, begun) || strings.HasPrefix(rec.Key.String(), begun)) {
			found = append(found, rec)
		}
	}
	var tasks []cobra.Completion
	for _, rec := range found {
		tasks = append(tasks, cobra.CompletionWithDesc(taskName(rec.Key, begun, projects), fmt.Sprintf("%s, project %s", rec.Status, rec.Key.ProjectID)))
	}
	return tasks, nil
}

func taskName(key spec.Key, begun string, projects map[string]int) string {
	if projects[key.TaskID] > 1 || !strings.HasPrefix(key.TaskID, begun) {
		return key.String()
	}
	return key.TaskID
}

// The tasks that an operator's command can be about.

func anyTask(*state.Record) bool           { return true }
func openTaskOnly(rec *state.Record) bool  { return rec.Attempt != nil }
func suspendedOnly(rec *state.Record) bool { return rec.Suspended != nil }
func unknownOnly(rec *state.Record) bool   { return rec.Status == state.StatusUnknown }
