package bench_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// naiveTask is what the naive way remembers of a task.
type naiveTask struct {
	Project string `json:"project"`
	Version int64  `json:"version"`
	Type    string `json:"type"`
}

// syncNaively is the script that people write first: it clones or pulls a worktree,
// parses every file in it, and compares that with a file of JSON that says what was
// applied. It prints how many tasks are to be committed, and notes them as applied.
func syncNaively(url, dir string) int {
	work, applied := filepath.Join(dir, "work"), filepath.Join(dir, "applied.json")
	args := []string{"-C", work, "pull", "-q", "--ff-only"}
	if _, err := os.Stat(work); err != nil {
		args = []string{"clone", "-q", url, work}
	}
	before := map[string]naiveTask{}
	_, err := exec.Command("git", args...).Output()
	if data, readErr := os.ReadFile(applied); readErr == nil {
		err = errors.Join(err, json.Unmarshal(data, &before))
	}
	wanted, parseErr := parseAll(work)
	if err = errors.Join(err, parseErr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	calls := 0
	for id, t := range wanted {
		if before[id] != t {
			calls++
		}
	}
	data, err := json.Marshal(wanted)
	if err == nil {
		err = os.WriteFile(applied, data, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(calls)
	return 0
}

// parseAll reads every spec below dir.
func parseAll(dir string) (map[string]naiveTask, error) {
	tasks := map[string]naiveTask{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var file struct {
			Commits []struct {
				TaskID          string `yaml:"taskId"`
				ProjectID       string `yaml:"projectId"`
				CommitType      string `yaml:"commitType"`
				InstanceVersion int64  `yaml:"instanceVersion"`
			} `yaml:"commits"`
		}
		if err := yaml.Unmarshal(data, &file); err != nil {
			return err
		}
		for _, c := range file.Commits {
			tasks[c.TaskID] = naiveTask{c.ProjectID, c.InstanceVersion, c.CommitType}
		}
		return nil
	})
	return tasks, err
}

// naive is the naive way's folder.
type naive struct {
	dir    string
	origin *origin
}

func newNaive(b testing.TB, o *origin) *naive {
	b.Helper()
	dir, err := os.MkdirTemp(scratch, "naive-")
	must(b, err)
	return &naive{dir, o}
}

// sync does it once, and returns how long that took and how much memory it had at
// most, in bytes. want is how many tasks are to be committed.
func (n *naive) sync(b testing.TB, want int) (took time.Duration, peak float64) {
	b.Helper()
	cmd := self(b, "naive", n.origin.url, n.dir)
	cmd.Stderr = os.Stderr
	start := time.Now()
	out, err := cmd.Output()
	took = time.Since(start)
	must(b, err)
	if got := strings.TrimSpace(string(out)); got != fmt.Sprint(want) {
		b.Fatalf("the naive way commits %s tasks, want %d", got, want)
	}
	return took, peakOf(cmd.ProcessState)
}
