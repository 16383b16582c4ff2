package usage_test

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wedatasync/wedatasync/internal/usage"
)

func command() *cobra.Command {
	cmd := &cobra.Command{
		Use: "tool NAME", Short: `Do it`, Run: func(*cobra.Command, []string) {},
		Long: ".first is no macro, nor is\n'this, nor \\fB.\n\n  tool --flag 'a b'\n\n  tool \"x\"\n\nExit codes: 0 done; 1 not.",
	}
	cmd.Flags().StringP("flag", "f", "a\\b", "`thing` that "+strings.Repeat("goes on ", 20))
	cmd.Flags().String("a-flag-with-a-long-name", "", "`value` of it")
	cmd.Flags().Bool("shared", false, "what all have")
	return cmd
}

func shared() *pflag.FlagSet {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.Bool("shared", false, "what all have")
	return set
}

// TestHelp_fits: what a flag is for begins in one column, and no line is too long.
func TestHelp_fits(t *testing.T) {
	cmd := command()
	usage.Arrange(cmd, nil, nil, shared, "shared")
	var out strings.Builder
	cmd.SetOut(&out)
	if err := cmd.Help(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if len(line) > 81 {
			t.Errorf("%d columns: %s", len(line)-1, line)
		}
	}
	for _, want := range []string{
		"\n  -f, --flag thing           thing that goes on",
		"\n                             goes on goes on",
		"\n      --a-flag-with-a-long-name value\n                             value of it\n",
		`(default "a\\b")`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the help does not have %q:\n%s", want, out.String())
		}
	}
}

// TestManual: the text of a command is text on its page, whatever it has in it.
func TestManual(t *testing.T) {
	m := usage.Manual{Date: "2026-11-30", Version: "v1.2.3", Shared: shared(), Mark: "shared"}
	var out strings.Builder
	if err := m.Write(&out, command()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		".TH \"TOOL\" 1 \"2026-11-30\" \"tool v1.2.3\"",
		"\n\\&.first is no macro, nor is\n\\(aqthis, nor \\efB.\n",
		"\n.RS 4\n.nf\ntool \\-\\-flag \\(aqa b\\(aq\n.fi\n.RE\n",
		"\n.SH \"EXIT STATUS\"\n0 done; 1 not.\n",
		"\n.BI \"\\-f, \\-\\-flag \" \"thing\"\n",
		"\n.SH \"GLOBAL OPTIONS\"\nEach is also",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the page does not have %q:\n%s", want, out.String())
		}
	}
}
