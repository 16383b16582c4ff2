package sqlstore_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// forgetfulIdentity is that of the state that testdata/forgotten1.sh makes with a program
// of schema 1, which forgot a task with its spec.
func forgetfulIdentity() state.Identity {
	return state.Identity{Source: "file:///tmp/specs", Branch: "main", Path: ".", Endpoint: "simulated", Region: "ap-guangzhou"}
}

// TestMigration opens a state of schema 1, from which four tasks were forgotten: what its
// history knows of them is a record again, and the rest is as it was.
func TestMigration(t *testing.T) {
	sqlstore.RewriteAtOnce(1) // as with many tasks
	defer sqlstore.RewriteAtOnce(1000)
	path := statePath(t)
	copyState(t, filepath.Join("testdata", "forgotten1.state"), path)
	before := mustRead(t, path) // beside a daemon of the version before, for one
	if len(before.Records) != 6 {
		t.Errorf("who only reads sees %d records, want 2 of managed tasks and 4 of removed ones", len(before.Records))
	}
	s, err := sqlstore.Open(t.Context(), path, forgetfulIdentity(), sqlstore.Options{Actor: "test"})
	if err != nil {
		t.Fatal(err)
	}
	records, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if records.Len() != 2 {
		t.Errorf("%d tasks are managed, want the 2 that were", records.Len())
	}
	wantRecalled(t, records)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlstore.Check(t.Context(), path); err != nil {
		t.Error(err)
	}

	after := mustRead(t, path)
	e := after.History[0]
	if e.Kind != state.EventState || !strings.Contains(e.Note, "from schema 1 to 3; 4 removed tasks") {
		t.Errorf("the history says %+v", e)
	}
	after.History = after.History[1:]
	if diff := cmp.Diff(before, after, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}

	again, err := sqlstore.Open(t.Context(), path, forgetfulIdentity(), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := again.Serial(t.Context()); n != 23 || err != nil {
		t.Errorf("a second start has left it at serial %d, %v", n, err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// wantRecalled makes sure of what is known of the forgotten tasks: of those that were
// sent, by which request.
func wantRecalled(t *testing.T, records *state.Records) {
	t.Helper()
	got := map[string]string{}
	for key := range records.Removed() {
		rec := records.Get(key)
		if rec.Applied.Origin != state.OriginHistory || rec.Applied.InstanceVersion != 0 || rec.Removed.Revision == rec.Applied.Revision || !rec.Removed.At.After(rec.Applied.At) {
			t.Errorf("%s: %+v, removed %+v", key, rec.Applied, rec.Removed)
		}
		got[key.TaskID] = rec.Applied.Request.String()
	}
	want := map[string]string{"taken": spec.Digest{}.String()}
	for _, text := range []string{
		"{taskId: discards, commitType: restart-discard-state, instanceVersion: 5, discardState: 5, versionDesc: v5}",
		"{taskId: reruns, commitType: start, instanceVersion: 2, rerun: two}",
		"{taskId: plain, commitType: submit, extConfig: {k: v}}",
	} {
		f := spec.Parse("x.yaml", []byte("apiVersion: wedatasync/v1\ndefaults: {projectId: \"10\"}\ncommits:\n- "+text+"\n"))
		want[f.Commits[0].TaskID] = f.Commits[0].Request().String()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests of the removed tasks (-want +got):\n%s", diff)
	}
}

// A document of the format before is read in the same way.
func TestImport_RecallsWhatWasForgotten(t *testing.T) {
	from, path := statePath(t), statePath(t)
	copyState(t, filepath.Join("testdata", "forgotten1.state"), from)
	doc := strings.Replace(export(t, from, true), `"1.2"`, `"1.0"`, 1)
	if err := sqlstore.Import(t.Context(), path, forgetfulIdentity(), strings.NewReader(doc), sqlstore.Options{}); err != nil {
		t.Fatal(err)
	}
	s, err := sqlstore.Open(t.Context(), path, forgetfulIdentity(), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	records, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantRecalled(t, records)
}
