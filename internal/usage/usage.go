package usage

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wedatasync/wedatasync/internal/text"
)

// Group is some commands that are listed together.
type Group struct {
	ID, Title string
	Commands  []string
}

// Arrange groups the commands of root, gives each its examples, and has all print their help
// the same way: with their own flags first, and those that shared returns last. A command
// that has a flag by the name of mark has the shared ones.
func Arrange(root *cobra.Command, groups []Group, examples map[string][]string, shared func() *pflag.FlagSet, mark string) {
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.ID, Title: g.Title})
		for _, name := range g.Commands {
			if cmd, _, err := root.Find([]string{name}); err == nil && cmd != root {
				cmd.GroupID = g.ID
			}
		}
	}
	for name, lines := range examples {
		if cmd, _, err := root.Find(strings.Fields(name)); err == nil && cmd != root {
			cmd.Example = "  " + strings.Join(lines, "\n  ")
		}
	}
	fill(root)
	root.SetUsageFunc(func(cmd *cobra.Command) error { return write(cmd.OutOrStderr(), cmd, groups, shared, mark) })
}

// fill makes what every command says of itself fit in the columns.
func fill(cmd *cobra.Command) {
	cmd.Long = wrap(cmd.Long, columns)
	for _, c := range cmd.Commands() {
		fill(c)
	}
}

// write prints how a command is called.
func write(w io.Writer, cmd *cobra.Command, groups []Group, shared func() *pflag.FlagSet, mark string) error {
	var b strings.Builder
	use := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		use = cmd.CommandPath() + " COMMAND [flags]"
	}
	fmt.Fprintf(&b, "Usage:\n  %s\n", use)
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	writeCommands(&b, cmd, groups)
	var own, others []*pflag.Flag
	common := shared()
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if common.Lookup(f.Name) != nil && cmd.Flags().Lookup(mark) != nil {
			others = append(others, f)
		} else if !f.Hidden {
			own = append(own, f)
		}
	})
	writeFlags(&b, "Flags", own)
	writeFlags(&b, "Global flags, each also a key of wedatasync.yaml and a WEDATASYNC_ variable", others)
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\nHelp of one command: %s COMMAND --help\n", cmd.CommandPath())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeCommands(b *strings.Builder, cmd *cobra.Command, groups []Group) {
	line := func(c *cobra.Command) { fmt.Fprintf(b, "  %-11s %s\n", c.Name(), c.Short) }
	if !cmd.HasAvailableSubCommands() {
		return
	}
	if len(cmd.Groups()) == 0 {
		b.WriteString("\nCommands:\n")
		for _, c := range cmd.Commands() {
			line(c)
		}
		return
	}
	for _, g := range groups {
		fmt.Fprintf(b, "\n%s\n", g.Title)
		for _, name := range g.Commands {
			if c, _, err := cmd.Find([]string{name}); err == nil && c.IsAvailableCommand() || name == "help" {
				line(c)
			}
		}
	}
}

// writeFlags lists flags with what they take, what they are for, and their default.
func writeFlags(b *strings.Builder, title string, flags []*pflag.Flag) {
	if len(flags) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	heads, usages, width := make([]string, len(flags)), make([]string, len(flags)), 0
	for i, f := range flags {
		takes, usage := describe(f)
		head := "      --" + f.Name
		if f.Shorthand != "" {
			head = "  -" + f.Shorthand + ", --" + f.Name
		}
		if takes != "" {
			head += " " + takes
		}
		heads[i], usages[i], width = head, usage, max(width, len(head))
	}
	for i := range flags {
		writeFlag(b, heads[i], usages[i], min(width, maxHead)+3)
	}
}

const (
	// columns are what help fits in, whatever the terminal has.
	columns = 80
	// maxHead is how wide flags and what they take may be to have their usage beside them.
	maxHead = 26
)

// writeFlag writes a flag, and what it is for from a column on.
func writeFlag(b *strings.Builder, head, usage string, column int) {
	indent := strings.Repeat(" ", column)
	for line := range strings.Lines(wrap(usage, columns-column)) {
		switch line = strings.TrimSuffix(line, "\n"); {
		case len(head) > column-2:
			fmt.Fprintf(b, "%s\n%s%s\n", head, indent, line)
		default:
			fmt.Fprintf(b, "%-*s%s\n", column, head, line)
		}
		head = ""
	}
}

// wrap fills the lines of each paragraph up to the width, at spaces. A line that is indented, or
// begins with a dash, is one of its own: where it is broken, what follows has its indentation.
func wrap(text string, width int) string {
	var b strings.Builder
	at := 0 // where the line ends that is being filled; 0: the next word begins one
	for line := range strings.Lines(text) {
		body := strings.TrimLeft(line, " \t")
		indent := line[:len(line)-len(body)]
		if body == "\n" || indent != "" || strings.HasPrefix(body, "- ") {
			at = endLine(&b, at)
		}
		for word := range strings.FieldsSeq(body) {
			switch {
			case at > 0 && at+1+len(word) > width:
				at = endLine(&b, at)
				fallthrough
			case at == 0:
				b.WriteString(indent)
				at = len(indent)
			default:
				b.WriteByte(' ')
				at++
			}
			b.WriteString(word)
			at += len(word)
		}
		if body == "\n" {
			b.WriteByte('\n')
		} else if indent != "" {
			at = endLine(&b, at)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// endLine ends a line that has something, and returns where the next one begins.
func endLine(b *strings.Builder, at int) int {
	if at > 0 {
		b.WriteByte('\n')
	}
	return 0
}

// describe returns what a flag takes, and what it is for, with its default.
func describe(f *pflag.Flag) (takes, usage string) {
	takes, usage = pflag.UnquoteUsage(f)
	if f.Value.Type() == "bool" {
		takes = ""
	}
	switch {
	case f.DefValue == "" || f.DefValue == "false" || f.DefValue == "0" || f.DefValue == "[]":
	case f.Value.Type() == "string":
		usage += fmt.Sprintf(" (default %q)", f.DefValue)
	default:
		usage += fmt.Sprintf(" (default %s)", f.DefValue)
	}
	return takes, usage
}

// HelpCommand makes help COMMAND, which knows a mistyped one.
func HelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return Unknown(about, rest[0])
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
			about, _, err := cmd.Root().Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []cobra.Completion
			for _, c := range about.Commands() {
				if c.IsAvailableCommand() && strings.HasPrefix(c.Name(), begun) {
					names = append(names, cobra.CompletionWithDesc(c.Name(), c.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// Mistyped returns the error of a command that does not exist, whatever flags follow it.
func Mistyped(root *cobra.Command, args []string) error {
	cmd, rest, err := root.Find(args)
	if err != nil || !cmd.HasSubCommands() || len(rest) == 0 || strings.HasPrefix(rest[0], "-") || strings.HasPrefix(rest[0], "__") {
		return nil
	}
	return Unknown(cmd, rest[0])
}

// Error is a mistake in a command line.
type Error struct{ text string }

func (e *Error) Error() string { return e.text }

// Unknown returns the error of a command that does not exist, with what was probably meant.
func Unknown(cmd *cobra.Command, name string) error {
	var names, near []string
	for _, c := range cmd.Commands() {
		if !c.IsAvailableCommand() {
			continue
		}
		names = append(names, c.Name())
		if len(name) > 1 && strings.HasPrefix(c.Name(), strings.ToLower(name)) {
			near = append(near, c.Name())
		}
	}
	if guess := text.Closest(name, names); guess != "" && !slices.Contains(near, guess) {
		near = append(near, guess)
	}
	if len(near) > 0 {
		return &Error{fmt.Sprintf("there is no command %q: did you mean %s?", name, strings.Join(near, " or "))}
	}
	return &Error{fmt.Sprintf("there is no command %q", name)}
}

// FlagError adds to the error of a flag that does not exist the one that was probably meant.
func FlagError(cmd *cobra.Command, err error) error {
	missing, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok || missing.GetSpecifiedShortnames() != "" {
		return err
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	name := missing.GetSpecifiedName()
	if guess := text.Closest(name, names); guess != "" {
		return fmt.Errorf("unknown flag --%s: did you mean --%s?", name, guess)
	}
	return fmt.Errorf("unknown flag --%s", name)
}

// NoArgs refuses arguments. A value after a flag that is on or off is one.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if args[0] == "true" || args[0] == "false" {
		on := ""
		cmd.Flags().Visit(func(f *pflag.Flag) {
			if f.Value.Type() == "bool" {
				on = f.Name
			}
		})
		if on != "" {
			return fmt.Errorf("it takes no argument %q: write --%s=%s", args[0], on, args[0])
		}
	}
	return fmt.Errorf("it takes no argument %q", args[0])
}
