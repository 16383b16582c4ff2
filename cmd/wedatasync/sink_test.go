package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

type sinkKey struct{}

// sink is a chat and a forge that take everything: SINK in the environment of a story.
type sink struct {
	mu    sync.Mutex
	heard []string // the method, the path and the body of each request
}

// ServeHTTP implements [http.Handler].
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.heard = append(s.heard, fmt.Sprintf("%s %s %s", r.Method, r.URL.Path, body))
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, "{}")
}

func setupSink(env *testscript.Env) {
	s := new(sink)
	server := httptest.NewServer(s)
	env.Defer(server.Close)
	env.Values[sinkKey{}] = s
	env.Setenv("SINK", server.URL)
}

// cmdHeard waits until the sink has heard a text a number of times: heard N TEXT...
func cmdHeard(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: heard N TEXT...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	s := ts.Value(sinkKey{}).(*sink)
	eventually(ts, "heard "+strings.Join(args, " "), func() (seen string, ok bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		n := 0
		for _, line := range s.heard {
			all := true
			for _, text := range args[1:] {
				all = all && strings.Contains(line, text)
			}
			if all {
				n++
			}
		}
		return fmt.Sprintf("%d of:\n%s", n, strings.Join(s.heard, "\n")), n == want
	})
}
