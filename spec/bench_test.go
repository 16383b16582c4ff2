package spec

import (
	"fmt"
	"testing"
)

// small is a spec as people write it, 289 bytes long with the comment.
func small(i, version int) []byte {
	return fmt.Appendf(nil, `# Orders, loaded into the warehouse every minute.
apiVersion: wedatasync/v1
commits:
  - taskId: kb947c997-4f91-4a1f-913d-%012d
    projectId: "1486804694126882816"
    commitType: start
    taskType: realtime
    instanceVersion: %d
    versionDesc: nightly release %d
`, i, version, version)
}

func BenchmarkParse(b *testing.B) {
	data := small(1, 7)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if f := Parse("tasks/orders.yaml", data); len(f.Commits) != 1 {
			b.Fatal(f.Problems)
		}
	}
}
