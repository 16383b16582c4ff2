package main

import (
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestExamples: every command has two examples, which are command lines that it takes, and
// is in a group of the overview.
func TestExamples(t *testing.T) {
	t.Parallel()
	root := newRoot(&stdio{out: io.Discard, err: io.Discard, getenv: func(string) string { return "" }})
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		if cmd.Parent() == root && cmd.GroupID == "" {
			t.Errorf("%s is in no group", cmd.Name())
		}
		for _, c := range cmd.Commands() {
			if c.Name() != "completion" && c.Name() != "help" {
				check(c)
			}
		}
		if cmd.HasSubCommands() {
			return
		}
		lines := strings.Split(cmd.Example, "\n")
		if len(lines) != 2 {
			t.Errorf("%s has %d examples, want 2", cmd.CommandPath(), len(lines))
		}
		for _, line := range lines {
			words := shellWords(line)
			found, rest, err := root.Find(words[1:])
			if err != nil || found != cmd {
				t.Errorf("%s: %q is of %s: %v", cmd.CommandPath(), line, found.CommandPath(), err)
				continue
			}
			if err := cmd.ParseFlags(rest); err != nil {
				t.Errorf("%s: %q: %v", cmd.CommandPath(), line, err)
			}
			if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
				t.Errorf("%s: %q: %v", cmd.CommandPath(), line, err)
			}
		}
	}
	check(root)
}

// shellWords splits a command line as a shell does, up to a redirection.
func shellWords(line string) []string {
	line, _, _ = strings.Cut(line, " > ")
	words := regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`).FindAllString(line, -1)
	for i := range words {
		words[i] = strings.Trim(words[i], `"'`)
	}
	return words
}
