package spec_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/spec"
)

// checkHalves parses a file of any size as a whole and in two halves, and reports whether it
// has them.
func checkHalves(t *testing.T, data []byte) (halved bool) {
	t.Helper()
	whole := spec.Parse("large.yaml", data)
	before := *spec.HalvedSize
	defer func() { *spec.HalvedSize = before }()
	*spec.HalvedSize = 0
	if diff := cmp.Diff(whole, spec.Parse("large.yaml", data)); diff != "" {
		t.Fatalf("whole and halves differ (-whole +halves):\n%s\n%s", diff, data)
	}
	return spec.Halved(data)
}

// A long list is decoded in two halves, and says the same in the same places as the whole.
func TestHalves(t *testing.T) {
	for name, data := range map[string][]byte{
		"list":     list(100),
		"unnested": []byte(strings.ReplaceAll(string(list(100)), "\n  ", "\n")),
		"broken":   []byte(strings.ReplaceAll(string(list(100)), "instanceVersion: 3", "instanceVersion: x")),
	} {
		if !checkHalves(t, data) {
			t.Errorf("%s: it was not decoded in halves", name)
		}
	}
}

const halvesItem = "  - {taskId: %d, projectId: 1, commitType: start}\n"

// halvesTraps are lines by which a cut before an item can be no cut between two items.
var halvesTraps = []string{
	"commits:\n", "  commits:\n", "...\n", "---\n", "%YAML 1.1\n", "# - comment\n", "\n", "defaults: {taskType: realtime}\n",
	"  - taskId: \"%d\n", "  - x\"\n", "  - taskId: [%d,\n", "  - 1]\n", "  - taskId: |\n", "     - text\n", "   - text\n", "- unnested\n",
	"    versionDesc: \"\n", "    - b\n", "    dependsOn:\n", "  - &a {taskId: %d}\n", "  - *a\n", "text: |\n", "text: \"\n", "\"\n", "? commits\n: - x\n", "}\n",
	"other:\n", "commits:\n  [x]\n", "  - taskId: %d\n    projectId: 1\n    commitType: start\n",
}

// Whatever is before the cut, halves say nothing else than the whole.
func TestHalves_Traps(t *testing.T) {
	half := strings.Repeat(halvesItem, 10)
	for _, trap := range halvesTraps {
		for _, start := range []string{head, "---\n" + head, "  apiVersion: wedatasync/v1\n  commits:\n  - taskId: x\n", "text: |\n"} {
			checkHalves(t, []byte(strings.ReplaceAll(start+"commits:\n"+half+trap+half, "%d", "1")))
		}
	}
}

// The same for any lines.
func TestHalves_Drawn(t *testing.T) {
	const files = 5_000
	random := rand.New(rand.NewPCG(1, 2))
	halved := 0
	for range files {
		var b strings.Builder
		b.WriteString([]string{head, "  apiVersion: wedatasync/v1\n", "text: |\n"}[max(0, random.IntN(20)-17)])
		if random.IntN(4) > 0 {
			b.WriteString("commits:\n")
		}
		for i := range 2 + random.IntN(12) {
			line := halvesItem
			if random.IntN(4) == 0 {
				line = halvesTraps[random.IntN(len(halvesTraps))]
			}
			b.WriteString(strings.ReplaceAll(line, "%d", fmt.Sprint(i)))
		}
		if checkHalves(t, []byte(b.String())) {
			halved++
		}
	}
	if halved < files/20 {
		t.Errorf("of %d files %d have halves", files, halved)
	}
}
