package servetest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// Daemon is what a Server of a test looks at.
type Daemon struct {
	Status reconcile.Status
	Path   string // of its state
	Log    Journal
	Config serve.Config
}

// Journal keeps what is logged.
type Journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *Journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *Journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// emptyState is the file of a state with nothing in it. To make one takes longer than
// most tests.
var emptyState = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "serve-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "wedatasync.db")
	if err := saveState(context.Background(), path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// saveState makes a state in which the transitions were saved.
func saveState(ctx context.Context, path string, saved ...state.Transition) error {
	store, err := sqlstore.Open(ctx, path, state.Identity{Source: "https://git.example.com/data/streams.git"}, sqlstore.Options{Create: true})
	if err != nil {
		return err
	}
	if len(saved) > 0 {
		err = store.SaveAll(ctx, saved)
	}
	return errors.Join(err, store.Close())
}

// reader reads a state.
type reader struct{ *sqlstore.Reader }

// OpenReader opens the state at the path.
func OpenReader(ctx context.Context, path string) (serve.Reader, error) {
	r, err := sqlstore.OpenReader(ctx, path)
	return reader{r}, err
}

func (r reader) Export(ctx context.Context, to io.Writer, history bool) error {
	return sqlstore.Export(ctx, r.Reader, to, history)
}

// NewDaemon returns a daemon with a state in which the transitions were saved.
func NewDaemon(t testing.TB, status reconcile.Status, saved ...state.Transition) *Daemon {
	t.Helper()
	d := &Daemon{Status: status, Path: filepath.Join(t.TempDir(), "wedatasync.db")}
	if len(saved) > 0 {
		if err := saveState(t.Context(), d.Path, saved...); err != nil {
			t.Fatal(err)
		}
	} else {
		data, err := emptyState()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(d.Path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.Config = serve.Config{
		Version:  "1.4.0",
		Interval: Interval,
		Logger:   slog.New(slog.NewTextHandler(&d.Log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Daemon: &snapshot.Daemon{
			Status:   func() reconcile.Status { return d.Status },
			Interval: func() time.Duration { return d.Config.Interval },
		},
		State: func(ctx context.Context) (serve.Reader, error) { return OpenReader(ctx, d.Path) },
		Hosts: []string{"example.com", "x"}, // what httptest and the tests' own requests say
	}
	return d
}

// Serve builds the Server.
func (d *Daemon) Serve(t testing.TB) *serve.Server {
	t.Helper()
	d.Config.Daemon.Tracker = snapshot.NewTracker()
	s, err := serve.New(d.Config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Saved is a transition that leaves the record, with an event of its own.
func Saved(rec *state.Record, e state.Event) state.Transition {
	e.Key = rec.Key
	return state.Transition{Record: rec, Events: []state.Event{e}}
}

// Get asks the server for a path.
func Get(t testing.TB, s *serve.Server, path string) *httptest.ResponseRecorder {
	t.Helper()
	return Do(t, s, http.MethodGet, path, nil)
}

// Do asks the server, as a browser does.
func Do(t testing.TB, s *serve.Server, method, path string, body io.Reader) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), method, path, body)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	s.Handler().ServeHTTP(w, r)
	return w
}

// Page asks for a page that has to be there.
func Page(t testing.TB, s *serve.Server, path string) string {
	t.Helper()
	w := Get(t, s, path)
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s = %d: %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

// SecretFile writes a file of secrets and returns its name.
func SecretFile(t testing.TB, lines ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
