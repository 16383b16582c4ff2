package usage

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Manual is what the pages of all commands share.
type Manual struct {
	Date    string // of the version, as 2006-01-02; may be empty
	Version string
	// Shared are the flags that most commands have, and Mark is one that all of those have.
	Shared *pflag.FlagSet
	Mark   string
}

// Page is the name of the command's manual page, such as wedatasync-plan.
func Page(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// Write writes the manual page of a command, for section 1, in the macros of man(7).
func (m *Manual) Write(w io.Writer, cmd *cobra.Command) error {
	var b roff
	cmd.InitDefaultHelpFlag()
	fmt.Fprintf(&b, ".TH %s 1 %q %q \"User Commands\"\n", quoteRoff(strings.ToUpper(Page(cmd))), m.Date, cmd.Root().Name()+" "+m.Version)
	b.WriteString(".nh\n") // flags are copied, and have hyphens of their own
	b.section("NAME")
	b.line(Page(cmd) + " - " + cmd.Short)
	b.section("SYNOPSIS")
	use := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		use = cmd.CommandPath() + " COMMAND [flags]"
	}
	b.macro(".B", use)
	description, exit := strings.TrimSpace(cmd.Long), ""
	if i := strings.LastIndex(description, "Exit codes: "); i >= 0 {
		description, exit = description[:i], strings.TrimPrefix(description[i:], "Exit codes: ")
	}
	if description == "" {
		description = cmd.Short + "."
	}
	b.section("DESCRIPTION")
	b.text(description)
	if cmd.HasAvailableSubCommands() {
		b.section("COMMANDS")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				b.item(c.Name(), c.Short)
			}
		}
	}
	m.flags(&b, cmd)
	if exit != "" {
		b.section("EXIT STATUS")
		b.text(exit)
	}
	if cmd.Example != "" {
		b.section("EXAMPLES")
		b.text(cmd.Example)
	}
	b.section("SEE ALSO")
	for _, other := range related(cmd) {
		b.macro(".BR", Page(other), "(1)")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// flags writes the command's own flags, and then those that most commands have.
func (m *Manual) flags(b *roff, cmd *cobra.Command) {
	shared := cmd.Flags().Lookup(m.Mark) != nil
	for _, part := range []struct {
		title string
		of    bool
	}{{"OPTIONS", false}, {"GLOBAL OPTIONS", true}} {
		begun := false
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Hidden || part.of != (shared && m.Shared.Lookup(f.Name) != nil) {
				return
			}
			if !begun {
				b.section(part.title)
				if begun = true; part.of {
					b.text("Each is also a key of wedatasync.yaml and a WEDATASYNC_ variable.")
				}
			}
			takes, usage := describe(f)
			head := "--" + f.Name
			if f.Shorthand != "" {
				head = "-" + f.Shorthand + ", " + head
			}
			b.flag(head, takes, usage)
		})
	}
}

// related are the command above, and those below.
func related(cmd *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	if cmd.HasParent() {
		all = append(all, cmd.Parent())
	}
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			all = append(all, c)
		}
	}
	return all
}

// roff is a page that is written. What is not a macro is text, whatever it has in it.
type roff struct{ strings.Builder }

func (b *roff) section(title string) { b.macro(".SH", title) }

// macro writes a macro with its arguments.
func (b *roff) macro(name string, args ...string) {
	b.WriteString(name)
	for _, arg := range args {
		b.WriteString(" " + quoteRoff(arg))
	}
	b.WriteByte('\n')
}

// text writes paragraphs. The lines of one that is indented stay lines of their own.
func (b *roff) text(text string) {
	for i, paragraph := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		indented := strings.HasPrefix(paragraph, " ") || strings.HasPrefix(paragraph, "\t")
		if indented {
			b.WriteString(".RS 4\n.nf\n")
		}
		for line := range strings.Lines(paragraph) {
			b.line(strings.TrimSpace(line))
		}
		if indented {
			b.WriteString(".fi\n.RE\n")
		}
	}
}

// item writes a word and what it means.
func (b *roff) item(word, meaning string) {
	b.WriteString(".TP\n")
	b.macro(".B", word)
	b.line(meaning)
}

func (b *roff) flag(head, takes, usage string) {
	b.WriteString(".TP\n")
	if takes == "" {
		b.macro(".B", head)
	} else {
		b.macro(".BI", head+" ", takes)
	}
	b.line(usage)
}

// line writes one line of text.
func (b *roff) line(line string) {
	line = escapeRoff(line)
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		line = `\&` + line
	}
	b.WriteString(line + "\n")
}

// escapeRoff keeps the characters that roff would take for something else, and hyphens that
// people copy.
func escapeRoff(s string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(s)
}

func quoteRoff(s string) string {
	return `"` + strings.ReplaceAll(escapeRoff(s), `"`, `\(dq`) + `"`
}
