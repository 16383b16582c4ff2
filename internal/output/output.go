// Package output writes what plan, validate and comment come to, in the formats and to the
// files that --output names: one run has a plan for each of its readers. What a format
// says is decided in package report.
package output

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/text"
)

// Formats are the formats that --output takes.
var Formats = [...]string{"text", "json", "markdown", "github", "gitlab"}

// Flags are the flags of output.
type Flags struct {
	// Comment is how markdown is written.
	Comment report.MarkdownOptions

	targets targets
}

// AddTo makes the flags known to a command.
func (f *Flags) AddTo(flags *pflag.FlagSet) {
	flags.VarP(&f.targets, "output", "o", "`format`: "+strings.Join(Formats[:], ", ")+"; with =FILE it goes into that file; several may be given")
	flags.BoolVar(&f.Comment.ShowValues, "show-values", false, "show the values of extConfig, which are masked otherwise")
	flags.StringVar(&f.Comment.Key, "key", "", "`name` that distinguishes several plans on one pull request (markdown)")
	flags.StringVar(&f.Comment.LinkBase, "link-base", "", "`URL` under which the source's files are shown (markdown)")
	flags.IntVar(&f.Comment.Limit, "limit", report.DefaultLimit, "the most `bytes` of a comment (markdown)")
}

// target is one format, and the file that it goes into; "" is standard output.
type target struct{ format, file string }

// targets is the value of --output.
type targets []target

// Type names the value in errors.
func (*targets) Type() string { return "format" }

// String is the default.
func (t *targets) String() string {
	if len(*t) == 0 {
		return Formats[0]
	}
	return ""
}

// Set adds a format.
func (t *targets) Set(value string) error {
	format, file, named := strings.Cut(value, "=")
	switch {
	case !slices.Contains(Formats[:], format):
		return fmt.Errorf("%q is not one of %s", format, strings.Join(Formats[:], ", "))
	case named && file == "":
		return fmt.Errorf("%q names no file", value)
	}
	*t = append(*t, target{format, file})
	return nil
}

// printed are the formats that go to standard output.
func (f *Flags) printed() []string {
	var formats []string
	for _, t := range f.targets {
		if t.file == "" {
			formats = append(formats, t.format)
		}
	}
	if len(f.targets) == 0 {
		formats = Formats[:1]
	}
	return formats
}

// isRead reports whether a person who reads a log can read the format.
func isRead(format string) bool { return format == "text" || format == "github" }

// Check reports formats that cannot all go to standard output.
func (f *Flags) Check() error {
	printed := slices.Sorted(slices.Values(f.printed()))
	if len(printed) < 2 || slices.Equal(printed, []string{"github", "text"}) {
		return nil
	}
	return fmt.Errorf("--output: %s cannot all go to standard output: name a file, such as %s=FILE", strings.Join(f.printed(), " and "), f.printed()[0])
}

// Streams are where output goes that is in no file.
type Streams struct {
	Out, Err io.Writer
	Color    bool
	Width    int // of the terminal; 0 if there is none
	Version  string
}

// Write writes the document in all formats. Where a person who reads the log of a job would
// not see why it fails, that goes to Err.
func (f *Flags) Write(s Streams, d Document, rate float64) error {
	all := f.targets
	if len(all) == 0 {
		all = targets{{format: Formats[0]}}
	}
	var errs []error
	for _, t := range all {
		errs = append(errs, f.writeTarget(s, d, t, rate))
	}
	if !slices.ContainsFunc(f.printed(), isRead) {
		for _, why := range d.Why {
			_, err := fmt.Fprintln(s.Err, text.Visible(why))
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (f *Flags) writeTarget(s Streams, d Document, t target, rate float64) (err error) {
	w, o := s.Out, report.Options{Color: s.Color, Width: s.Width, ShowValues: f.Comment.ShowValues, Rate: rate}
	if t.file != "" {
		var file *os.File
		if file, err = os.Create(t.file); err != nil {
			return fmt.Errorf("--output %s: %w", t.format, err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		w, o.Color, o.Width = file, false, 0
	}
	if d.failed && t == (target{format: "text"}) {
		return nil // standard error has it
	}
	switch t.format {
	case "json":
		return d.JSON(w, report.JSONOptions{ToolVersion: s.Version, ShowValues: f.Comment.ShowValues, Rate: rate})
	case "markdown":
		_, err := w.Write(d.Markdown(f.MarkdownOptions(rate)))
		return err
	case "github":
		return d.GitHub(w)
	case "gitlab":
		return d.GitLab(w)
	default:
		return d.Text(w, o)
	}
}

// MarkdownOptions are how markdown is written, with an estimate for so many commits a
// second.
func (f *Flags) MarkdownOptions(rate float64) report.MarkdownOptions {
	o := f.Comment
	o.Rate = rate
	return o
}
