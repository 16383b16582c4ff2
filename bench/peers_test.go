package bench_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// BenchmarkPeers runs the plan of ten changes beside the plan of OpenTofu for as many
// resources in as many files, of which ten differ from its state. Both are processes on this
// machine that ask no service: the resources are terraform_data, which has none. It needs
// tofu on the PATH.
func BenchmarkPeers(b *testing.B) {
	tofu, err := exec.LookPath("tofu")
	if err != nil {
		b.Skip(err)
	}
	e := startEndpoint(b)
	sizes := []int{1_000}
	switch {
	case testing.Short():
		sizes = []int{100}
	case *long:
		sizes = append(sizes, 10_000) // OpenTofu takes a minute to make its state
	}
	for _, n := range sizes {
		b.Run(fmt.Sprintf("specs=%d", n), func(b *testing.B) {
			o := makeOrigin(b, layout{files: n, each: 1}, fmt.Sprintf("peers-%d", n), nil)
			h := newHome(b, o, e.url)
			h.adopt(b)
			h.start(b).stop(b) // the mirror is there, as what tofu init makes is
			o.prepare(b)
			must(b, move(o.dir, o.head))
			plan := func() *exec.Cmd { return h.command(b, "plan") }
			expect(b, plan(), "10 commits will be sent")

			t := tofuDir{b, tofu, b.TempDir()}
			t.write(n, 1)
			run(b, t.command("init", "-input=false"))
			run(b, t.command("apply", "-input=false", "-auto-approve"))
			t.write(changed, 2)
			var ours, theirs sample
			for b.Loop() {
				ours = append(ours, measure(b, plan()))
				theirs = append(theirs, measure(b, t.command("plan", "-input=false")))
			}
			expect(b, t.command("plan", "-input=false", "-no-color"), "0 to add, 10 to change, 0 to destroy")
			b.ReportMetric(0, "ns/op") // the sum of both says nothing
			b.ReportMetric(float64(ours.median()), "plan-ns")
			b.ReportMetric(float64(theirs.median()), "tofu-ns")
		})
	}
}

// tofuDir is a folder that OpenTofu manages.
type tofuDir struct {
	b    *testing.B
	tofu string
	dir  string
}

// write writes the first n resources at a version, each in a file of its own.
func (t tofuDir) write(n, version int) {
	for i := range n {
		id := taskID(i)
		var text bytes.Buffer
		fmt.Fprintf(&text, "resource \"terraform_data\" \"t%s\" {\n  input = {\n", id)
		fmt.Fprintf(&text, "    taskId = %q\n    projectId = \"p1\"\n    commitType = \"restart-keep-state\"\n    instanceVersion = %d\n  }\n}\n", id, version)
		must(t.b, os.WriteFile(filepath.Join(t.dir, id+".tf"), text.Bytes(), 0o644))
	}
}

func (t tofuDir) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.b.Context(), t.tofu, args...)
	cmd.Dir = t.dir
	cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE="+os.DevNull, "TF_IN_AUTOMATION=1")
	return cmd
}
