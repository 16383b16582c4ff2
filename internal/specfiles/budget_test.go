package specfiles

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/spec"
)

// What is as large as we say that it may be is read.
func TestBudgetOfScale(t *testing.T) {
	b := NewBudget(t.Context(), spec.NewSet())
	var ten strings.Builder
	ten.WriteString("apiVersion: wedatasync/v1\ncommits:\n")
	for i := range 10 {
		fmt.Fprintf(&ten, "  - {taskId: t%d, projectId: \"1\", commitType: start, instanceVersion: 1}\n", i)
	}
	file := spec.Parse("a.yaml", []byte(ten.String()))
	for i := range 100_000 {
		for j, c := range file.Commits {
			c.TaskID = fmt.Sprintf("t%d-%d", i, j)
		}
		if err := errors.Join(b.Entries(1), b.file("a.yaml", 1500), b.parsed(file, "a.yaml")); err != nil {
			t.Fatalf("file %d: %v", i, err)
		}
	}
}
