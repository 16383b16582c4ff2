package output

import (
	"io"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// Document is what can be written in every format.
type Document struct {
	Text     func(io.Writer, report.Options) error
	JSON     func(io.Writer, report.JSONOptions) error
	Markdown func(report.MarkdownOptions) []byte
	GitHub   func(io.Writer) error
	GitLab   func(io.Writer) error
	// Why the command ends with an exit code other than 0, for a log; empty if an error
	// says it.
	Why []string

	failed bool
}

// Plan is a plan. Remarks beside the lines of its files are where place has them.
func Plan(p *plan.Plan, place report.Place) Document {
	d := Document{
		Text:     func(w io.Writer, o report.Options) error { return report.Text(w, p, o) },
		JSON:     func(w io.Writer, o report.JSONOptions) error { return report.JSON(w, p, o) },
		Markdown: func(o report.MarkdownOptions) []byte { return report.Markdown(p, o) },
		GitHub:   func(w io.Writer) error { return report.GitHub(w, p, place) },
		GitLab:   func(w io.Writer) error { return report.GitLab(w, p, place) },
		Why:      errorsOf(p.Problems),
	}
	if p.Source.Unverified != "" {
		d.Why = append(d.Why, "the newest revision is not verified: "+p.Source.Unverified)
	}
	for _, h := range p.Holds {
		d.Why = append(d.Why, "held by guard "+h.Guard+": "+h.Message)
	}
	return d
}

// Failure is a plan or a validation that could not be made.
func Failure(err error) Document {
	f := report.Failure{Err: err}
	// A quality report knows only places in files. The exit code tells of the failure.
	noPlace := func(w io.Writer) error { return report.Validation{}.GitLab(w, nil) }
	return Document{failed: true, Text: f.Text, JSON: f.JSON, Markdown: f.Markdown, GitHub: f.GitHub, GitLab: noPlace}
}

// Validation is a check of specs.
func Validation(v report.Validation, place report.Place) Document {
	return Document{
		Text: v.Text, JSON: v.JSON, Markdown: v.Markdown,
		GitHub: func(w io.Writer) error { return v.GitHub(w, place) },
		GitLab: func(w io.Writer) error { return v.GitLab(w, place) },
		Why:    errorsOf(v.Problems),
	}
}

// errorsOf are the errors among problems, each with its place.
func errorsOf(ps spec.Problems) []string {
	var lines []string
	for _, p := range ps {
		if p.Severity == spec.SeverityError {
			lines = append(lines, p.String())
		}
	}
	return lines
}
