package main

import (
	"encoding/json"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/spec"
)

// version returns what the binary was built from: a tag, or a revision.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if revision == "" {
		return "devel"
	}
	return "devel-" + revision + dirty
}

func newVersionCommand(io *stdio) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  takes(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			goVersion := "unknown"
			if info, ok := debug.ReadBuildInfo(); ok {
				goVersion = info.GoVersion
			}
			if asJSON {
				return json.NewEncoder(io.out).Encode(map[string]string{"version": version(), "go": goVersion})
			}
			_, err := fmt.Fprintf(io.out, "wedatasync %s (%s)\n", version(), goVersion)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newSchemaCommand(io *stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "schema [spec|plan]",
		Short: "Print the JSON Schema of specs, or of plans",
		Long: `Schema prints the JSON Schema (draft 2020-12) of specs, or of what plan -o json
prints. Editors use that of specs with this first line in a spec:

  # yaml-language-server: $schema=PATH/schema.json`,
		Args:      takes(cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs)),
		ValidArgs: []string{"spec", "plan"},
		RunE: func(_ *cobra.Command, args []string) error {
			schema := spec.Schema()
			if first(args) == "plan" {
				schema = report.PlanSchema()
			}
			_, err := io.out.Write(schema)
			return err
		},
	}
}
