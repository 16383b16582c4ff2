package report_test

import (
	"io"
	"testing"

	"github.com/wedatasync/wedatasync/internal/report"
)

// BenchmarkRender renders 10,000 changes in every output.
func BenchmarkRender(b *testing.B) {
	p := large(10_000)
	for _, output := range []struct {
		name   string
		render func() error
	}{
		{"text", func() error { return report.Text(io.Discard, p, report.Options{Width: 120}) }},
		{"json", func() error { return report.JSON(io.Discard, p, report.JSONOptions{}) }},
		{"markdown", func() error {
			report.Markdown(p, report.MarkdownOptions{Key: "prod", LinkBase: linkBase})
			return nil
		}},
		{"github", func() error { return report.GitHub(io.Discard, p, nil) }},
		{"gitlab", func() error { return report.GitLab(io.Discard, p, nil) }},
	} {
		b.Run(output.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := output.render(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
