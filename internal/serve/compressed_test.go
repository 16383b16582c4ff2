package serve_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// get makes one request with headers, whose answer is not decompressed by the way.
func get(t *testing.T, url string, headers map[string]string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableCompression: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

// TestExportsAreCompressed where the client understands that, and only there.
func TestExportsAreCompressed(t *testing.T) {
	now := time.Now()
	var many []state.Transition
	for i := range 200 {
		many = append(many, servetest.Saved(&state.Record{Key: servetest.Key(i), Status: state.StatusApplied, Applied: servetest.Applied(now)}, state.Event{At: now, Kind: state.EventAdopted}))
	}
	at := "http://" + start(t, servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), now), many...).Serve(t))
	for _, path := range []string{"/api/v1/state", "/api/v1/plan"} {
		_, plain := get(t, at+path, nil)
		for accepts, want := range map[string]bool{"gzip": true, "br, gzip;q=0.5": true, "*": true, "identity": false, "gzip;q=0": false, "gzip; q=0": false} {
			resp, body := get(t, at+path, map[string]string{"Accept-Encoding": accepts})
			if got := resp.Header.Get("Content-Encoding") == "gzip"; got != want {
				t.Errorf("%s for %q: compressed is %v", path, accepts, got)
				continue
			}
			if resp.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s: Vary is %q", path, resp.Header.Get("Vary"))
			}
			if !want {
				continue
			}
			if path == "/api/v1/state" && len(body) > len(plain)/4 {
				t.Errorf("%s: %d bytes become %d", path, len(plain), len(body))
			}
			z, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(z); err != nil || string(text) != string(plain) {
				t.Errorf("%s: it decompresses to something else (%v)", path, err)
			}
		}
	}
}

// TestStateIsNotSentAgain while it is the one that the client has.
func TestStateIsNotSentAgain(t *testing.T) {
	now := time.Now()
	saved := servetest.Saved(&state.Record{Key: servetest.Key(1), Status: state.StatusApplied, Applied: servetest.Applied(now)}, state.Event{At: now, Kind: state.EventAdopted})
	d := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), now), saved)
	at := "http://" + start(t, d.Serve(t)) + "/api/v1/state"
	status := func(url, tag string) (int, string) {
		t.Helper()
		resp, _ := get(t, url, map[string]string{"If-None-Match": tag})
		return resp.StatusCode, resp.Header.Get("ETag")
	}
	_, tag := status(at, "")
	for _, has := range []string{tag, `"another", ` + tag} {
		if code, _ := status(at, has); code != http.StatusNotModified {
			t.Errorf("If-None-Match %s: the status is %d", has, code)
		}
	}
	if code, other := status(at+"?history=true", tag); code != http.StatusOK || other == tag {
		t.Errorf("with the history: %d %s", code, other)
	}
	s, err := sqlstore.Open(t.Context(), d.Path, state.Identity{Source: "https://git.example.com/data/streams.git"}, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), saved); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if code, other := status(at, tag); code != http.StatusOK || other == tag {
		t.Errorf("after a change: %d %s", code, other)
	}
}
