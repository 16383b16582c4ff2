package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/state"
)

// TestP01_KillNotified kills the real binary with SIGKILL while WeData refuses commits, the
// specs change under it, and the receiver of its notifications comes and goes. Its own
// history is the judge: each refusal is told, and no more is repeated than one message a
// restart.
func TestP01_KillNotified(t *testing.T) {
	t.Parallel()
	k := newKilling(t)
	k.sim.Inject(wedatasim.Fault{Action: "CommitIntegrationTask", Probability: 0.3, Code: "InvalidParameterValue", Message: "no such field"})
	ear := &listener{told: map[string]int{}, up: true}
	server := httptest.NewServer(ear)
	defer server.Close()
	for name, text := range map[string]string{
		"url": server.URL, "key": "a-key-of-the-receiver-0123456789",
		"wedatasync.yaml": "guards: {maxChangePercent: 0}\nnotify:\n  channels:\n    - {name: audit, kind: webhook, urlFile: url, keyFile: key}\n",
	} {
		if err := os.WriteFile(filepath.Join(k.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range *kills {
		k.bump(1 + k.rand.IntN(6))
		ear.set(k.rand.IntN(3) > 0)
		k.runAndKill(time.Duration(100+k.rand.IntN(300)) * time.Millisecond)
	}
	ear.set(true)
	var refused []string
	for range 10 {
		k.runAndKill(3 * time.Second)
		if refused = k.refused(); len(refused) > 0 && len(ear.missing(refused)) == 0 {
			break
		}
		if len(refused) == 0 { // on a slow machine it was always killed before it sent anything
			k.bump(6)
		}
	}
	if missing := ear.missing(refused); len(missing) > 0 || len(refused) == 0 {
		t.Errorf("of %d refusals, %d were never told: %v", len(refused), len(missing), missing)
	}
	repeated := 0
	for name, n := range ear.told {
		if repeated += n - 1; n > 2 {
			t.Logf("%s was told %d times", name, n)
		}
	}
	if repeated > *kills+10 {
		t.Errorf("%d messages were repeated after %d restarts", repeated, *kills)
	}
	t.Logf("%d kills, %d refusals told, %d repeated", *kills, len(refused), repeated)
}

// refused lists what WeData has refused, by the history.
func (k *killing) refused() (list []string) {
	out, err := k.command(k.t.Context(), "state", "export", "--history").Output()
	if err != nil {
		k.t.Fatal(err)
	}
	var doc struct{ History []state.Event }
	if err := json.Unmarshal(out, &doc); err != nil {
		k.t.Fatal(err)
	}
	for _, e := range doc.History {
		if e.Kind == state.EventOutcome && e.Outcome.Class == state.ClassRefused && e.Wanted != nil {
			list = append(list, fmt.Sprintf("%s@%d", e.Key.TaskID, e.Wanted.InstanceVersion))
		}
	}
	return list
}

// listener is the receiver of notifications.
type listener struct {
	mu   sync.Mutex
	up   bool
	told map[string]int // refusals, by task and version
}

func (l *listener) set(up bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.up = up
}

// missing lists those that were not told.
func (l *listener) missing(refused []string) (list []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range refused {
		if l.told[name] == 0 {
			list = append(list, name)
		}
	}
	return list
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Type string
		Data struct {
			Task    string `json:"task_id"`
			Version int64  `json:"instance_version"`
		}
	}
	body, err := io.ReadAll(r.Body)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil || json.Unmarshal(body, &in) != nil || !l.up {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if in.Type == "task.refused" {
		l.told[fmt.Sprintf("%s@%d", in.Data.Task, in.Data.Version)]++
	}
}
