package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/usage"
)

// groups are the commands in the order in which help lists them.
var groups = []usage.Group{
	{ID: "release", Title: "Release:", Commands: []string{"run", "plan", "validate", "comment", "import", "sync", "wait"}},
	{ID: "look", Title: "Look:", Commands: []string{"status", "release", "explain", "history"}},
	{ID: "act", Title: "Act:", Commands: []string{"approve", "retry", "resolve", "suspend", "unsuspend"}},
	{ID: "state", Title: "State and installation:", Commands: []string{"state", "doctor", "simulate", "schema", "version", "completion", "man", "help"}},
}

// examples are two lines for each command, as they are typed.
var examples = map[string][]string{
	"run":       {"wedatasync run --source https://git.example.com/tasks --git-token-file token", "wedatasync run --simulate --source examples --once"},
	"plan":      {"wedatasync plan --source https://git.example.com/data/tasks.git", "wedatasync plan --source . --path tasks --against origin/main -o markdown"},
	"validate":  {"wedatasync validate tasks", "wedatasync validate tasks/orders.yaml tasks/users.yaml --strict"},
	"comment":   {"wedatasync comment --source . --path tasks --against origin/main", "wedatasync comment --forge gitea --repository data/tasks --pull-request 12"},
	"import":    {"wedatasync import --source . --path tasks", "wedatasync import --project 1486804694126882816 --write tasks"},
	"sync":      {"wedatasync sync", "wedatasync sync --server https://wedatasync.example.com --token-file token"},
	"wait":      {`wedatasync wait "$(git rev-parse origin/main)" --timeout 15m`, "wedatasync wait --sync"},
	"release":   {"wedatasync release", "wedatasync release 3f2a9c1 --json"},
	"explain":   {"wedatasync explain orders", "wedatasync explain 4f0c --server https://wds.example.com --token-file token"},
	"history":   {"wedatasync history orders --limit 20", "wedatasync history --json --limit 1000"},
	"approve":   {`wedatasync approve "$HASH"`, "wedatasync approve " + strings.Repeat("0", 40) + " --as lin"},
	"retry":     {"wedatasync retry orders", "wedatasync retry"},
	"resolve":   {"wedatasync resolve orders applied", "wedatasync resolve 1486804694126882816/orders not-applied"},
	"suspend":   {"wedatasync suspend orders --reason 'incident 4711' --for 2h", "wedatasync suspend --reason 'change freeze'"},
	"unsuspend": {"wedatasync unsuspend orders", "wedatasync unsuspend"},
	"doctor":    {"wedatasync doctor", "wedatasync doctor --config /etc/wedatasync/wedatasync.yaml"},
	"simulate":  {"wedatasync simulate", "wedatasync simulate --listen 127.0.0.1:9741"},
	"schema":    {"wedatasync schema > schema.json", "wedatasync schema plan"},
	"man":       {"wedatasync man /usr/local/share/man/man1", "wedatasync man ."},
	"version":   {"wedatasync version", "wedatasync version --json"},

	"state export": {"wedatasync state export > state.json", "wedatasync state export --history"},
	"state import": {"wedatasync state import state.json", "wedatasync state import --from-source --source . --path tasks"},
	"state check":  {"wedatasync state check", "wedatasync state check --accept"},
}

func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages of all commands into a folder",
		Long: `Man writes a manual page for each command, such as wedatasync-plan.1, into a folder
that exists. The archive of a release has them, too. To read one without installing it:

  man -l wedatasync-plan.1`,
		Args:              takes(cobra.ExactArgs(1)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			m := usage.Manual{Date: dateOfVersion(), Version: version(), Shared: config.NewFlags().Set, Mark: "config"}
			return writePages(cmd.Root(), &m, args[0])
		},
	}
}

// writePages writes the pages of a command and those below it.
func writePages(cmd *cobra.Command, m *usage.Manual, dir string) error {
	var page bytes.Buffer
	if err := m.Write(&page, cmd); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, usage.Page(cmd)+".1"), page.Bytes(), 0o644); err != nil {
		return err
	}
	for _, c := range cmd.Commands() {
		if !c.IsAvailableCommand() {
			continue
		}
		if err := writePages(c, m, dir); err != nil {
			return err
		}
	}
	return nil
}

// dateOfVersion is the day of the commit that the program was built from, or today where the
// build does not say.
func dateOfVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.time" {
				day, _, _ := strings.Cut(s.Value, "T")
				return day
			}
		}
	}
	return time.Now().Format(time.DateOnly)
}
