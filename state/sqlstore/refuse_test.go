package sqlstore_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// newState makes a state of n records that nobody holds.
func newState(t testing.TB, n int) string {
	t.Helper()
	path := statePath(t)
	s := open(t, path)
	adopt(t, s, n)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// sqlExec changes the database behind the store's back.
func sqlExec(t testing.TB, path string, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err == nil {
		_, err = db.ExecContext(t.Context(), query)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// sqlCount returns the number that a query has.
func sqlCount(t testing.TB, path string, query string) int {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// files returns what is in the folder of the state.
func files(t testing.TB, path string) map[string]string {
	t.Helper()
	all := map[string]string{}
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(name)] = string(data)
	}
	delete(all, filepath.Base(path)+".lock")
	return all
}

func removeFiles(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhatIsRefused has each way in which a state can be the wrong one. None of
// them is opened, none is begun anew, and nothing of the files changes.
func TestWhatIsRefused(t *testing.T) {
	foreign := func(change func(*state.Identity)) state.Identity {
		id := sampleIdentity()
		change(&id)
		return id
	}
	tests := []struct {
		name   string
		id     state.Identity
		do     func(t *testing.T, path string)
		want   error
		says   []string
		accept bool // accepting it is what to do
	}{
		{
			name: "another repository", id: foreign(func(id *state.Identity) { id.Source = "https://git.example.com/other.git" }),
			want: state.ErrForeign, says: []string{"source", "streams.git", "other.git", "--state"}, accept: true,
		},
		{
			name: "another branch", id: foreign(func(id *state.Identity) { id.Branch = "dev" }),
			want: state.ErrForeign, says: []string{`branch is "main", not "dev"`}, accept: true,
		},
		{
			name: "another folder", id: foreign(func(id *state.Identity) { id.Path = "prod" }),
			want: state.ErrForeign, says: []string{`path is ".", not "prod"`}, accept: true,
		},
		{
			name: "another endpoint", id: foreign(func(id *state.Identity) { id.Endpoint = "http://127.0.0.1:1" }),
			want: state.ErrForeign, says: []string{"endpoint"}, accept: true,
		},
		{
			name: "another region", id: foreign(func(id *state.Identity) { id.Region = "ap-singapore" }),
			want: state.ErrForeign, says: []string{"region"}, accept: true,
		},
		{
			name: "a newer schema", want: state.ErrNewer, says: []string{"schema 4", "up to 3"},
			do: func(t *testing.T, path string) { sqlExec(t, path, "UPDATE schema_version SET version = 4") },
		},
		{
			name: "no schema", want: state.ErrDamaged, says: []string{"no schema 0"},
			do: func(t *testing.T, path string) { sqlExec(t, path, "UPDATE schema_version SET version = 0") },
		},
		{
			name: "the head is gone", want: state.ErrMissing, says: []string{".head", "check --accept"}, accept: true,
			do: func(t *testing.T, path string) { removeFiles(t, path+".head") },
		},
		{
			name: "the head is damaged", want: state.ErrDamaged, says: []string{"head"}, accept: true,
			do: func(t *testing.T, path string) { writeFile(t, path+".head", "wedatasync-state-head 1 X 7 00000000\n") },
		},
		{
			name: "the database is gone", want: state.ErrMissing, says: []string{"serial 2", "restore the database", "remove"},
			do: func(t *testing.T, path string) { removeFiles(t, path) },
		},
		{
			name: "the database is gone and its log is not", want: state.ErrMissing, says: []string{"-wal"},
			do: func(t *testing.T, path string) { removeFiles(t, path); writeFile(t, path+"-wal", "") },
		},
		{
			name: "the database is empty", want: state.ErrDamaged, says: []string{"no state"},
			do: func(t *testing.T, path string) { writeFile(t, path, "") },
		},
		{
			name: "the database is another program's", want: state.ErrDamaged, says: []string{"no state"},
			do: func(t *testing.T, path string) {
				removeFiles(t, path)
				sqlExec(t, path, "CREATE TABLE contacts (name TEXT)")
			},
		},
		{
			name: "the database is no database", want: state.ErrDamaged, says: []string{"cannot be read", "backup"},
			do: func(t *testing.T, path string) { writeFile(t, path, strings.Repeat("not a database. ", 1000)) },
		},
		{
			name: "a row was changed by hand", want: state.ErrDamaged, says: []string{"meta", "checksum"},
			do: func(t *testing.T, path string) { sqlExec(t, path, "UPDATE meta SET serial = 9") },
		},
		{
			name: "the control was changed by hand", want: state.ErrDamaged, says: []string{"control"},
			do: func(t *testing.T, path string) { sqlExec(t, path, `UPDATE control SET control = '{"revision":"x"}'`) },
		},
		{
			name: "the newest event was taken out", want: state.ErrDamaged, says: []string{"history", "ends with event 20"},
			do: func(t *testing.T, path string) { sqlExec(t, path, "DELETE FROM history WHERE seq = 21") },
		},
		{
			name: "an older copy was put back", want: state.ErrRolledBack, says: []string{"serial 1", "was at 2", "check --accept"}, accept: true,
			do: func(t *testing.T, path string) {
				removeFiles(t, path)
				copyState(t, newState(t, 0), path)
				setHead(t, path, 2)
			},
		},
		{
			name: "the database of another state was put there", want: state.ErrForeign, says: []string{"lineage"}, accept: true,
			do: func(t *testing.T, path string) {
				head, err := os.ReadFile(path + ".head")
				if err != nil {
					t.Fatal(err)
				}
				copyState(t, newState(t, 3), path)
				writeFile(t, path+".head", string(head))
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := newState(t, 20)
			if tt.do != nil {
				tt.do(t, path)
			}
			if tt.id == (state.Identity{}) {
				tt.id = sampleIdentity()
			}
			before := files(t, path)

			s, err := sqlstore.Open(t.Context(), path, tt.id, sqlstore.Options{Create: true})
			if err == nil {
				s.Close()
			}
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			for _, say := range tt.says {
				if !strings.Contains(err.Error(), say) {
					t.Errorf("%q does not say %q", err, say)
				}
			}
			if diff := cmp.Diff(before, files(t, path)); diff != "" {
				t.Errorf("a refused state was changed (-before +after):\n%.2000s", diff)
			}
			if _, err := sqlstore.Check(t.Context(), path); err == nil && tt.id == sampleIdentity() {
				t.Error("check finds nothing wrong")
			}

			err = sqlstore.Accept(t.Context(), path, tt.id, sqlstore.Options{Actor: "ada"})
			if !tt.accept {
				if err == nil {
					t.Error("it is accepted")
				}
				return
			}
			if err != nil {
				t.Fatalf("accept: %v", err)
			}
			accepted, err := sqlstore.Open(t.Context(), path, tt.id, sqlstore.Options{})
			if err != nil {
				t.Fatalf("open after accept: %v", err)
			}
			defer accepted.Close()
			c, err := read(t.Context(), accepted)
			if err != nil || !c.Control.Restored || c.History[0].Kind != state.EventState || c.History[0].Actor != "ada" {
				t.Errorf("%v: restored %v, history %+v", err, c.Control.Restored, c.History[:1])
			}
			if serial, err := accepted.Serial(t.Context()); err != nil || serial < 3 {
				t.Errorf("serial %d, %v: not greater than any before", serial, err)
			}
		})
	}
}

func writeFile(t testing.TB, name, data string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(data), 0o640); err != nil {
		t.Fatal(err)
	}
}

// setHead has the head say that the state was at another serial.
func setHead(t testing.TB, path string, serial int64) {
	t.Helper()
	old, err := os.ReadFile(path + ".head")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path+".head", sqlstore.HeadLine(strings.Fields(string(old))[2], serial))
}

func TestNothingIsMadeWithoutLeave(t *testing.T) {
	path := statePath(t)
	if _, err := sqlstore.Open(t.Context(), path, sampleIdentity(), sqlstore.Options{}); !errors.Is(err, state.ErrMissing) {
		t.Errorf("got %v", err)
	}
	if got := files(t, path); len(got) > 0 {
		t.Errorf("there is %v", got)
	}
	if _, err := sqlstore.OpenReader(t.Context(), path); !errors.Is(err, state.ErrMissing) {
		t.Errorf("reader: %v", err)
	}
	if _, err := sqlstore.Enqueue(t.Context(), path, state.Command{Verb: state.VerbRetry}); !errors.Is(err, state.ErrMissing) {
		t.Errorf("command: %v", err)
	}
	if _, err := sqlstore.Check(t.Context(), filepath.Join(path, "no", "folder")); !errors.Is(err, state.ErrMissing) {
		t.Errorf("check: %v", err)
	}
}

// A creation that a crash has ended leaves a head of serial 0 and perhaps half a
// database on the side: the next one begins again.
func TestACreationThatWasCutShortIsBegunAgain(t *testing.T) {
	path := statePath(t)
	writeFile(t, path+".head", sqlstore.HeadLine("ABC", 0))
	writeFile(t, path+".new", "half a database")
	s := open(t, path)
	adopt(t, s, 3)
	if s.Lineage() == "ABC" {
		t.Error("the lineage is the old one")
	}
	if _, err := sqlstore.Check(t.Context(), path); err != nil {
		t.Error(err)
	}
}

// A crash between the commit and the head leaves a head that is behind.
func TestAHeadThatIsBehindIsBroughtUp(t *testing.T) {
	path := newState(t, 1)
	head, err := os.ReadFile(path + ".head")
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	adopt(t, s, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path+".head", string(head))
	open(t, path)
	if rep, err := sqlstore.Check(t.Context(), path); err != nil || rep.Head != rep.Serial {
		t.Errorf("head %d, serial %d, %v", rep.Head, rep.Serial, err)
	}
}

// TestABackupThatIsPutBack is the way of docs/state.md: it is refused, because it is
// older than the state was, until a person says that it is the one to use.
func TestABackupThatIsPutBack(t *testing.T) {
	path, backup := statePath(t), filepath.Join(t.TempDir(), "backup.db")
	s := open(t, path)
	adopt(t, s, 3)
	sqlExec(t, path, "VACUUM INTO '"+backup+"'") // while the state is in use
	adopt(t, s, 5)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, string(data))
	if _, err := sqlstore.Open(t.Context(), path, sampleIdentity(), sqlstore.Options{}); !errors.Is(err, state.ErrRolledBack) {
		t.Fatalf("got %v", err)
	}
	if err := sqlstore.Accept(t.Context(), path, sampleIdentity(), sqlstore.Options{Actor: "ada"}); err != nil {
		t.Fatal(err)
	}
	open(t, path)
	if c := mustRead(t, path); len(c.Records) != 3 || !c.Control.Restored {
		t.Errorf("%d records, restored %v", len(c.Records), c.Control.Restored)
	}
}

// A head that is rewritten again and again is never read in halves.
func TestTheHeadIsReadWhileItIsWritten(t *testing.T) {
	path := statePath(t)
	s := open(t, path)
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		for n := range 100 {
			if err := s.Save(t.Context(), applied(n%3)); err != nil {
				t.Error(err)
			}
		}
	})
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		if rep, err := sqlstore.Check(t.Context(), path); err != nil {
			t.Fatalf("%+v: %v", rep, err)
		}
	}
	wg.Wait()
}

// TestRowsChangedByHand has what any SQLite tool can do to a state: it is found at
// the next read, and the row is named.
func TestRowsChangedByHand(t *testing.T) {
	for _, tt := range []struct{ name, query, says string }{
		{"a value", "UPDATE tasks SET status = 'refused' WHERE task_id LIKE '%07'", "tasks 1486804694126882816/kb947c997-4f91-4a1f-913d-000000000007"},
		{"a value of another type", "UPDATE tasks SET since = 'x' WHERE task_id LIKE '%07'", "read state"},
		{"a row less", "DELETE FROM tasks WHERE task_id LIKE '%07'", "19 rows were read that do not add up to the 20"},
		{"a row more", "INSERT INTO tasks SELECT project_id, 'x', status, commit_type, instance_version, applied_at, since, next_at, applied, attempt, suspended, event, row_crc, removed, applied_ns, task_type, version_desc, event_desc, content, ext_config, revision, request_id, operate_id, origin, name FROM tasks LIMIT 1", "tasks 1486804694126882816/x"},
		{"an event", `UPDATE history SET event = '{}' WHERE seq = 5`, "history 5"},
		{"an event less", `DELETE FROM history WHERE seq = 5`, "history 6: it does not follow"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := newState(t, 20)
			sqlExec(t, path, tt.query)
			_, err := sqlstore.Check(t.Context(), path)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %q", err, tt.says)
			}
		})
	}
}

// A page of the history has no holes, of all tasks or of one.
func TestAHistoryWithAHoleIsNotShown(t *testing.T) {
	path := newState(t, 20)
	sqlExec(t, path, "DELETE FROM history WHERE seq = 5")
	r, err := sqlstore.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, tt := range []struct {
		name string
		q    state.HistoryQuery
		want error
	}{
		{"all", state.HistoryQuery{}, state.ErrDamaged},
		{"a page with it", state.HistoryQuery{Before: 8, Limit: 5}, state.ErrDamaged},
		{"a page that ends before it", state.HistoryQuery{Before: 8, Limit: 2}, nil},
		{"a page that begins with it", state.HistoryQuery{Before: 6, Limit: 1}, state.ErrDamaged},
		{"its task", state.HistoryQuery{Key: new(sampleKey(3))}, state.ErrDamaged},
		{"another task", state.HistoryQuery{Key: new(sampleKey(9))}, nil},
	} {
		if _, err := r.History(t.Context(), tt.q); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// A change by another program while the store is open ends its writing: from then
// on nobody knows what the state is.
func TestAChangeBehindTheStoreIsMet(t *testing.T) {
	for _, query := range []string{"UPDATE meta SET serial = 99", "DELETE FROM tasks"} {
		path := statePath(t)
		s := open(t, path)
		adopt(t, s, 2)
		sqlExec(t, path, query)
		if err := s.Save(t.Context(), applied(1)); !errors.Is(err, state.ErrBroken) || !strings.Contains(err.Error(), "another program") {
			t.Errorf("%s: got %v", query, err)
		}
	}
}
