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
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
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
	"approvals":    {"passed", "rejected", "withdrawn", "failed", "drawn", "order"},
	"split":        {string(command.SplitProject), string(command.SplitTask)},
	"against":      {command.AgainstState, command.AgainstLive},
	"drift-policy": {string(plan.PolicyReport), string(plan.PolicyAdopt), string(plan.PolicyHeal)},
	"forge":        {"github", "gitlab", "gitea"},
	"log-format":   {"text", "json"},
	"output":       output.Formats[:],
	"log-level":    {"debug", "info", "warn", "error"},
	"verify":       {"off", "head", "strict"},
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
			takes, usage := pflag.UnquoteUsage(f)
			switch takes {
			case "file":
				values = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)
			case "folder", "URL":
				values = folders
			}
			completeFlag(cmd, f.Name, values)
			f.Usage = usage // shells show it as it is
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

// completeTask completes the first argument with the tasks of the state that match, and with
// those that only specs name if match takes any, by id and by name. It only reads.
func completeTask(io *stdio, a *accessFlags, match func(*state.Record) bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
		defer cancel()
		tasks, err := knownTasks(ctx, io, a, match)
		if err != nil {
			return cobra.AppendActiveHelp(nil, err.Error()), cobra.ShellCompDirectiveNoFileComp
		}
		return completions(tasks, begun), cobra.ShellCompDirectiveNoFileComp
	}
}

// knownTasks returns the tasks of a state that match, and those of the specs.
func knownTasks(ctx context.Context, io *stdio, a *accessFlags, match func(*state.Record) bool) ([]command.SpecTask, error) {
	from, err := a.open(io)
	if err != nil {
		return nil, err
	}
	r, err := from.View(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close() // it was only read
	var tasks []command.SpecTask
	seen := map[spec.Key]bool{}
	for rec, err := range r.Records(ctx) {
		if err != nil {
			return nil, err
		}
		if seen[rec.Key] = true; match(&rec) {
			tasks = append(tasks, command.SpecTask{Key: rec.Key, Name: rec.Name(), Said: string(rec.Status)})
		}
	}
	if a.remote(io) || !match(&state.Record{}) {
		return tasks, nil
	}
	named, err := command.SpecTasks(ctx, &a.Settings)
	if err != nil {
		return tasks, nil //nolint:nilerr // those of the state can be completed
	}
	for _, t := range named {
		if !seen[t.Key] {
			seen[t.Key] = true
			tasks = append(tasks, t)
		}
	}
	return tasks, nil
}

// completions are the tasks whose id or name begins so. A task is named by its id, unless
// another project has the same one, or only its name begins so.
func completions(tasks []command.SpecTask, begun string) []cobra.Completion {
	projects := map[string]int{}
	for _, t := range tasks {
		projects[t.Key.TaskID]++
	}
	var found []cobra.Completion
	for _, t := range tasks {
		id, key, word := t.Key.TaskID, t.Key.String(), ""
		switch {
		case strings.HasPrefix(id, begun) && projects[id] == 1:
			word = id
		case strings.HasPrefix(key, begun) || strings.HasPrefix(id, begun):
			word = key
		case strings.HasPrefix(t.Name, begun):
			word = t.Name
		default:
			continue
		}
		said := fmt.Sprintf("%s, project %s", t.Said, t.Key.ProjectID)
		if t.Name != "" {
			said = t.Name + ", " + said
		}
		if found = append(found, cobra.CompletionWithDesc(word, said)); len(found) == mostCompletions {
			break
		}
	}
	return found
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
