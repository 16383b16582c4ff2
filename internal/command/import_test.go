package command_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// TestImport_FiveThousand is day one of a large customer: the import of 5,000 tasks is
// cut short, goes on where it was, keeps to its reads, and makes no commit; the plan
// of the specs that it writes is empty.
func TestImport_FiveThousand(t *testing.T) {
	t.Parallel()
	const realtime, offline = 4850, 150
	sim, s, env := simulator(t)
	for i := range realtime + offline {
		sim.Edit("1486804694126882816", fmt.Sprintf("kb947c997-4f91-4a1f-913d-%012d", i), func(task *wedatasim.Task) {
			task.Submitted, task.Status, task.InstanceVersion = true, []int64{3, 3, 3, 4, 6, 7, 1}[i%7], int64(i%40+1)
			if i >= realtime {
				task.TaskType, task.InstanceVersion = 202, 0
			}
		})
	}
	o := command.ImportOptions{Projects: []string{"1486804694126882816"}, Actor: "grace", Write: s.Source}

	ctx, cut := context.WithCancel(t.Context())
	defer cut()
	o.Progress = func(p command.ImportProgress) {
		if p.Seen >= 2000 {
			cut()
		}
	}
	if _, err := command.Import(ctx, s, env, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want it to be cut short", err)
	}
	if n := recordsIn(t, s.State); n != 2000 {
		t.Errorf("%d tasks are in the state when it is cut short at 2000", n)
	}

	seen, total := 0, 0
	o.Progress = func(p command.ImportProgress) { seen, total = p.Seen, p.Total }
	got, err := command.Import(t.Context(), s, env, o)
	if err != nil {
		t.Fatal(err)
	}
	if got.Live != realtime+offline || got.Imported != realtime+offline-2000 || got.Managed != 2000 || len(got.Left) != 0 {
		t.Errorf("%d live, %d imported, %d managed, %d left", got.Live, got.Imported, got.Managed, len(got.Left))
	}
	if seen != offline || total != offline {
		t.Errorf("the last progress was %d of %d", seen, total)
	}
	if len(got.Files) != 1 || got.Files[0].Name != "1486804694126882816.yaml" || got.Files[0].Specs != realtime+offline {
		t.Errorf("files: %+v", got.Files)
	}

	plan, err := command.Plan(t.Context(), s, env, command.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if plan.Specs != realtime+offline || plan.Unchanged != realtime+offline || len(plan.Changes) != 0 || len(plan.Problems) != 0 {
		t.Errorf("the plan: %d specs, %d unchanged, %d changes, %d problems", plan.Specs, plan.Unchanged, len(plan.Changes), len(plan.Problems))
	}

	reads := 0
	for _, e := range sim.Ledger() {
		if e.Action != "DescribeIntegrationTasks" || e.Code != "" {
			t.Fatalf("request %d: %s, answered with %q", e.N, e.Action, e.Code)
		}
		reads++
	}
	if pages := 20 + 49 + 2; reads != pages {
		t.Errorf("%d requests, want %d", reads, pages)
	}
	if w := sim.Windows("DescribeIntegrationTasks"); w.All.Fixed > 20 || w.All.Sliding > 20 {
		t.Errorf("the busiest second had %d requests (fixed), %d (sliding), want at most 20", w.All.Fixed, w.All.Sliding)
	}
}

func recordsIn(t *testing.T, path string) int {
	t.Helper()
	report, err := sqlstore.Check(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return int(report.Records)
}

// TestImport_NamesAreData writes specs of tasks whose ids are anything but file names:
// they stay in the folder, apart, and are read back.
func TestImport_NamesAreData(t *testing.T) {
	t.Parallel()
	sim, s, env := simulator(t)
	ids := []string{
		"../../escape", "..", ".", "/etc/passwd", "a/b", `a\b`, "a%2Fb", "A", "a", "con", "-rf", ".git", "%", "+", "订单",
		fmt.Sprintf("%0128d", 1), fmt.Sprintf("%0127dA", 1), fmt.Sprintf("%0127dB", 1), `"`, "a:b", "#", "a,b", "$(reboot)", "`x`", "true", "~", "007",
	}
	for _, id := range append(ids, "has a space", "\u200b") {
		sim.Edit("1", id, func(task *wedatasim.Task) { task.Submitted, task.Status, task.InstanceVersion = true, 3, 1 })
	}
	for _, split := range []command.Split{command.SplitProject, command.SplitTask} {
		out := filepath.Join(t.TempDir(), "specs")
		got, err := command.Import(t.Context(), s, env, command.ImportOptions{Projects: []string{"1"}, Write: out, Split: split})
		if err != nil {
			t.Fatal(err)
		}
		if got.Live != len(ids) || got.Nameless != 2 || len(got.Unspoken) != 0 {
			t.Errorf("%s: %d live, %d nameless, unspoken %v", split, got.Live, got.Nameless, got.Unspoken)
		}
		files := 0
		err = filepath.WalkDir(filepath.Dir(out), func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files++
			}
			return err
		})
		want := map[command.Split]int{command.SplitProject: 2, command.SplitTask: len(ids) + 1}[split] // and the schema
		if err != nil || files != want || len(got.Files) != want-1 {
			t.Errorf("%s: %d files are there, %d were written, %v; want %d", split, files, len(got.Files), err, want)
		}
		specs, err := command.ReadSpecs(t.Context(), out)
		if err != nil || specs.Len() != len(ids) || specs.Problems().Errors() > 0 {
			t.Errorf("%s: %d specs, %v, %v", split, specs.Len(), specs.Problems(), err)
		}
	}
}

func TestImport_LinksAreNotFollowed(t *testing.T) {
	t.Parallel()
	sim, s, env := simulator(t)
	sim.Edit("1", "a", func(task *wedatasim.Task) { task.Submitted = true })
	dir := t.TempDir()
	outside := filepath.Join(dir, "outside.yaml")
	out := filepath.Join(dir, "specs")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(out, "1.yaml")); err != nil {
		t.Fatal(err)
	}
	if _, err := command.Import(t.Context(), s, env, command.ImportOptions{Projects: []string{"1"}, Write: out}); err == nil {
		t.Error("it wrote through a link")
	}
	if _, err := os.Lstat(outside); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("outside the folder: %v", err)
	}
}

// simulator starts an endpoint, and returns the settings and the surroundings of a command
// that uses it, with a source without specs.
func simulator(t *testing.T) (*wedatasim.Server, config.Settings, parts.Env) {
	t.Helper()
	sim := wedatasim.New(wedatasim.Options{})
	endpoint := httptest.NewServer(sim)
	t.Cleanup(endpoint.Close)
	s, dir := config.Defaults(), t.TempDir()
	s.Source, s.State, s.Endpoint = filepath.Join(dir, "specs"), filepath.Join(dir, "wedatasync.db"), endpoint.URL
	if err := os.Mkdir(s.Source, 0o755); err != nil {
		t.Fatal(err)
	}
	account := wedatasim.DefaultAccount()
	vars := map[string]string{"TENCENTCLOUD_SECRET_ID": account.SecretID, "TENCENTCLOUD_SECRET_KEY": account.SecretKey}
	return sim, s, parts.Env{Getenv: func(name string) string { return vars[name] }, Log: t.Output(), Quiet: true, Version: "test"}
}
