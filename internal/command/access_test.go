package command_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/release"
	"github.com/wedatasync/wedatasync/state"
)

// TestWait_OutlastsARestart: a daemon that does not answer for a while ends no wait; one
// that never did does.
func TestWait_OutlastsARestart(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	answers := []string{"under-way", "", "under-way", "done"}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" || r.URL.Path != "/sub/api/v1/releases" {
			t.Errorf("asked %s with %q", r.URL, r.Header.Get("Authorization"))
		}
		answer := answers[asked.Add(1)-1]
		if answer == "" {
			http.Error(w, "restarting", http.StatusBadGateway)
			return
		}
		fmt.Fprintf(w, `{"releases":[{"revision":"abcdef","outcome":%q,"commits":1}]}`, answer)
	}))
	defer server.Close()
	from, err := command.Remote(command.Server{URL: server.URL + "/sub/", Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	var seen []state.ReleaseOutcome
	r, err := command.Wait(t.Context(), from, "", func(r *release.Release) { seen = append(seen, r.Outcome) })
	if err != nil || r.Outcome != state.ReleaseDone || len(seen) != 2 {
		t.Errorf("it waited for %+v, %v, and saw %v", r.Release, err, seen)
	}
	server.Close()
	if _, err := command.Wait(t.Context(), from, "", func(*release.Release) {}); !errors.Is(err, command.ErrAway) {
		t.Errorf("without a daemon: %v, want ErrAway", err)
	}
}
