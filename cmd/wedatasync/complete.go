package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/output"
	"github.com/wedatasync/wedatasync/state"
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
	"output":     output.Formats[:],
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

// completeTask completes the first argument with the tasks of the state that match, by id
// and by name. It only reads.
func completeTask(io *stdio, a *accessFlags, match func(*state.Record) bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		tasks, err := matchingTasks(cmd.Context(), io, a, begun, match)
		if err != nil {
			return cobra.AppendActiveHelp(nil, err.Error()), cobra.ShellCompDirectiveNoFileComp
		}
		return tasks, cobra.ShellCompDirectiveNoFileComp
	}
}

// matchingTasks returns the tasks of a state whose id or name begins so. A task is named by
// its id, unless another project has the same one, or only its name begins so.
func matchingTasks(ctx context.Context, io *stdio, a *accessFlags, begun string, match func(*state.Record) bool) ([]cobra.Completion, error) {
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	from, err := a.open(io)
	if err != nil {
		return nil, err
	}
	r, err := from.View(ctx)
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
		begins := strings.HasPrefix(rec.Key.TaskID, begun) || strings.HasPrefix(rec.Key.String(), begun) || strings.HasPrefix(rec.Name(), begun)
		if begins && match(&rec) && len(found) < mostCompletions {
			found = append(found, rec)
		}
	}
	var tasks []cobra.Completion
	for _, rec := range found {
		said := fmt.Sprintf("%s, project %s", rec.Status, rec.Key.ProjectID)
		if name := rec.Name(); name != "" {
			said = name + ", " + said
		}
		tasks = append(tasks, cobra.CompletionWithDesc(taskName(&rec, begun, projects), said))
	}
	return tasks, nil
}

func taskName(rec *state.Record, begun string, projects map[string]int) string {
	switch id, key := rec.Key.TaskID, rec.Key.String(); {
	case strings.HasPrefix(id, begun) && projects[id] == 1:
		return id
	case strings.HasPrefix(key, begun) || strings.HasPrefix(id, begun):
		return key
	default:
		return rec.Name()
	}
}

// The tasks that an operator's command can be about.

func anyTask(*state.Record) bool           { return true }
func openTaskOnly(rec *state.Record) bool  { return rec.Attempt != nil }
func suspendedOnly(rec *state.Record) bool { return rec.Suspended != nil }
func unknownOnly(rec *state.Record) bool   { return rec.Status == state.StatusUnknown }

// completeRevision completes the first argument with the revisions that the state remembers.
func completeRevision(io *stdio, a *accessFlags) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		from, err := a.open(io)
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
		defer cancel()
		list, err := from.Newest(ctx, state.MaxReleases)
		if err != nil {
			return cobra.AppendActiveHelp(nil, err.Error()), cobra.ShellCompDirectiveNoFileComp
		}
		var found []cobra.Completion
		for _, r := range list {
			if strings.HasPrefix(r.Revision, begun) {
				found = append(found, cobra.CompletionWithDesc(r.Revision, fmt.Sprintf("%s %s", r.Outcome, r.Subject)))
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}
