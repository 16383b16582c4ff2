package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// formats are the values of --output.
var formats = [...]string{"text", "json", "markdown", "github", "gitlab"}

// output is how a plan or a validation is written.
type output struct {
	format     string
	showValues bool
	key        string
	linkBase   string
	limit      int
}

// addOutput gives a command the flags of output.
func addOutput(cmd *cobra.Command) *output {
	o := &output{}
	flags := cmd.Flags()
	flags.StringVarP(&o.format, "output", "o", formats[0], "`format`: "+strings.Join(formats[:], ", "))
	completeFlag(cmd, "output", oneOf(formats[:]...))
	flags.BoolVar(&o.showValues, "show-values", false, "show the values of extConfig, which are masked otherwise")
	flags.StringVar(&o.key, "key", "", "`name` that distinguishes several plans on one pull request (markdown)")
	flags.StringVar(&o.linkBase, "link-base", "", "`URL` under which the source's files are shown (markdown)")
	flags.IntVar(&o.limit, "limit", report.DefaultLimit, "the most `bytes` of a comment (markdown)")
	return o
}

func (o *output) check() error {
	if !slices.Contains(formats[:], o.format) {
		return usageError{fmt.Errorf("--output: %q is not one of %s", o.format, strings.Join(formats[:], ", "))}
	}
	return nil
}

// document is what report can write in every format.
type document struct {
	text     func(io.Writer, report.Options) error
	json     func(io.Writer, report.JSONOptions) error
	markdown func(report.MarkdownOptions) []byte
	github   func(io.Writer) error
	gitlab   func(io.Writer) error
}

func planDocument(p *plan.Plan) document {
	return document{
		text:     func(w io.Writer, o report.Options) error { return report.Text(w, p, o) },
		json:     func(w io.Writer, o report.JSONOptions) error { return report.JSON(w, p, o) },
		markdown: func(o report.MarkdownOptions) []byte { return report.Markdown(p, o) },
		github:   func(w io.Writer) error { return report.GitHub(w, p) },
		gitlab:   func(w io.Writer) error { return report.GitLab(w, p) },
	}
}

func failureDocument(f report.Failure) document {
	// A quality report knows only places in files. The exit code tells of the failure.
	noPlace := func(w io.Writer) error { return report.Validation{}.GitLab(w) }
	return document{text: f.Text, json: f.JSON, markdown: f.Markdown, github: f.GitHub, gitlab: noPlace}
}

func validationDocument(v report.Validation) document {
	return document{text: v.Text, json: v.JSON, markdown: v.Markdown, github: v.GitHub, gitlab: v.GitLab}
}

// write writes the document to stdout. rate is the commits a second that an
// estimate counts with.
func (o *output) write(io *stdio, d document, rate float64) error {
	switch o.format {
	case "json":
		return d.json(io.out, report.JSONOptions{ToolVersion: version(), ShowValues: o.showValues, Rate: rate})
	case "markdown":
		_, err := io.out.Write(d.markdown(o.comment(rate)))
		return err
	case "github":
		return d.github(io.out)
	case "gitlab":
		return d.gitlab(io.out)
	default:
		return d.text(io.out, report.Options{Color: io.colour(), Width: io.width, ShowValues: o.showValues, Rate: rate})
	}
}

func (o *output) comment(rate float64) report.MarkdownOptions {
	return report.MarkdownOptions{Key: o.key, Limit: o.limit, LinkBase: o.linkBase, ShowValues: o.showValues, Rate: rate}
}
