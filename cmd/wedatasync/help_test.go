package main

import (
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestExamples: every command has two examples, which are command lines that it takes, and
// is in a group of the overview.
func TestExamples(t *testing.T) {
	t.Parallel()
	root := newRoot(&stdio{out: io.Discard, err: io.Discard, getenv: func(string) string { return "" }}, "")
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

// everyCommand yields root and all below it.
func everyCommand(root *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{root}
	for _, c := range root.Commands() {
		all = append(all, everyCommand(c)...)
	}
	return all
}

// TestHelpFits: the help of every command fits in the 80 columns of a terminal, and its
// paragraphs fill them.
func TestHelpFits(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	root := newRoot(&stdio{out: io.Discard, err: io.Discard, getenv: func(string) string { return "" }}, "")
	root.SetOut(&out)
	all := everyCommand(root)
	if len(all) < 25 {
		t.Fatalf("only %d commands: is the test looking at them?", len(all))
	}
	for _, cmd := range all {
		out.Reset()
		cmd.InitDefaultHelpFlag()
		if err := cmd.Help(); err != nil {
			t.Fatal(err)
		}
		last := ""
		for line := range strings.Lines(out.String()) {
			if line = strings.TrimSuffix(line, "\n"); len(line) > 80 {
				t.Errorf("%s: %d columns: %s", cmd.CommandPath(), len(line), line)
			}
			first, _, _ := strings.Cut(line, " ")
			if first != "" && last != "" && !strings.HasPrefix(last, " ") && !strings.HasSuffix(last, ":") && len(last)+1+len(first) <= 80 {
				t.Errorf("%s: there is room for %q after %q", cmd.CommandPath(), first, last)
			}
			last = line
		}
	}
}

// TestCompletesFlags: a flag that takes one of a few values offers all that its usage names,
// one that takes a file or a folder offers these, and no other takes what is not free.
func TestCompletesFlags(t *testing.T) {
	t.Parallel()
	root := newRoot(&stdio{out: io.Discard, err: io.Discard, getenv: func(string) string { return "" }}, "")
	complete(root)
	choices := 0
	for _, cmd := range everyCommand(root) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Value.Type() == "bool" || f.Hidden {
				return
			}
			offered, known := cmd.GetFlagCompletionFunc(f.Name)
			if !known {
				t.Errorf("%s: --%s completes file names, whatever it takes", cmd.CommandPath(), f.Name)
				return
			}
			_, list, few := strings.Cut(f.Usage, ": ")
			few = few && regexp.MustCompile(`^\w+(, \w+)*,? or \w+$|^(\w+, )+\w+;`).MatchString(regexp.MustCompile(` \([^)]*\)`).ReplaceAllString(list, ""))
			values, directive := offered(cmd, nil, "")
			switch {
			case few:
				choices++
				for _, v := range values {
					if !strings.Contains(list, v) {
						t.Errorf("%s: --%s offers %s, of which its usage says nothing: %s", cmd.CommandPath(), f.Name, v, f.Usage)
					}
				}
				if named := len(regexp.MustCompile(`\w+`).FindAllString(strings.Replace(regexp.MustCompile(` \([^)]*\)|;.*`).ReplaceAllString(list, ""), " or ", " ", 1), -1)); len(values) != named {
					t.Errorf("%s: --%s offers %v of the %d values that its usage names: %s", cmd.CommandPath(), f.Name, values, named, f.Usage)
				}
			case strings.HasSuffix(f.Name, "-file") || f.Name == "config" || f.Name == "state":
				if directive != cobra.ShellCompDirectiveDefault {
					t.Errorf("%s: --%s does not complete files", cmd.CommandPath(), f.Name)
				}
			}
		})
	}
	if choices < 20 {
		t.Errorf("only %d flags take one of a few values: is the test looking at them?", choices)
	}
}
