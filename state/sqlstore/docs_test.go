package sqlstore_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// TestTheQueriesOfTheManualWork runs every SQL block of docs/state.md on a sample
// that has something for each.
func TestTheQueriesOfTheManualWork(t *testing.T) {
	manual, err := os.ReadFile(filepath.Join("..", "..", "docs", "state.md"))
	if err != nil {
		t.Fatal(err)
	}
	path := statePath(t)
	s := open(t, path)
	adopt(t, s, 3)
	waiting := intent(1)
	waiting.Record.Status = state.StatusWaiting
	waiting.Record.Attempt.Since, waiting.Record.Attempt.NextAt = sampleTime(), sampleTime().Add(time.Minute)
	waiting.Record.Suspended = &state.Suspension{Reason: "migration", Actor: "ada", At: sampleTime()}
	for _, tr := range []state.Transition{waiting, removed(2)} {
		if err := s.Save(t.Context(), tr); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := sqlstore.Enqueue(t.Context(), path, command(1)); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	n := 0
	for block := range strings.SplitSeq(string(manual), "```sql\n") {
		query, _, ok := strings.Cut(block, "```")
		if n++; n == 1 || !ok {
			continue // what is before the first block
		}
		rows, err := db.QueryContext(t.Context(), query)
		if err != nil {
			t.Errorf("%v:\n%s", err, query)
			continue
		}
		if !rows.Next() {
			t.Errorf("no rows, %v:\n%s", rows.Err(), query)
		}
		rows.Close()
	}
	if n < 8 {
		t.Errorf("only %d blocks were found", n-1)
	}
}
