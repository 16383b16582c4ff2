package main

import (
	"encoding/json"
	"net/http"
	"runtime"
	"strings"
	"time"
)

// hear is who is told of each release.
func (l *life) hear(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Type string
		Data struct {
			Task string `json:"task_id"`
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.messages[in.Type+" "+in.Data.Task]++
}

// told counts who was told to be applied.
func (l *life) told() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.messages)
}

// judge compares what happened with what was asked for.
func (l *life) judge(before int64) {
	applied := map[string]int{}
	var last time.Time
	var gap time.Duration
	var after time.Time // the longest gap began
	codes := map[string]int{}
	for _, e := range l.sim.Ledger() {
		if e.Code != "" && e.Code != "ResourceNotFound" { // what is new is not there before its commit
			codes[e.Action+" "+e.Code]++
		}
		if e.Applied {
			if d := e.At.Sub(last); !last.IsZero() && d > gap {
				gap, after = d, last
			}
			last = e.At
			applied[e.TaskID]++
		}
	}
	tasks := int(l.pushed.Load())
	for i := range tasks {
		if n := applied[lifeTask(i)]; n != 1 {
			l.t.Errorf("%s was committed %d times, want once", lifeTask(i), n)
		}
		if n := l.messages["task.applied "+lifeTask(i)]; n != 1 {
			l.t.Errorf("that %s was applied was told %d times, want once", lifeTask(i), n)
		}
	}
	refused := 0
	for code, n := range codes {
		if strings.HasSuffix(code, " RequestLimitExceeded") {
			continue // sent again: a machine that stalls can send two at once
		}
		if !strings.HasSuffix(code, "AuthFailure.SecretIdNotFound") {
			l.t.Errorf("%d times %s: only credentials that were revoked can be refused", n, code)
		}
		if strings.HasPrefix(code, "CommitIntegrationTask") {
			refused += n
		}
	}
	if most := 2 * int(l.revoked.Load()); refused > most {
		l.t.Errorf("%d commits had credentials that were revoked, want at most %d: what was on its way", refused, most)
	}
	// The flood keeps every processor busy, so two requests can come at once that were
	// not sent at once. The pace on a machine that is free has a test of its own.
	if w := l.sim.Windows("CommitIntegrationTask"); *long && (w.All.Fixed > 22 || w.All.Sliding > 22) {
		l.t.Errorf("the busiest second had %d requests (fixed), %d (sliding)", w.All.Fixed, w.All.Sliding)
	}
	if n := int(l.answers[http.StatusUnauthorized].Load()); n != l.size.webhooks {
		l.t.Errorf("%d webhooks were refused, want %d", n, l.size.webhooks)
	}
	if n := int(l.answers[http.StatusAccepted].Load()); n != l.size.webhooks {
		l.t.Errorf("%d webhooks were accepted, want %d", n, l.size.webhooks)
	}
	growth := l.peak.Load() - before
	if growth > mostGrowth && !raced {
		l.t.Errorf("memory grew by %d bytes, want at most %d", growth, mostGrowth)
	}
	if *long && gap > window {
		l.t.Errorf("no commit for %v after %s while some were due, want at most %v", gap, after.UTC().Format(time.RFC3339Nano), window)
	}
	if missed, probes := l.missed.Load(), l.probes.Load(); missed*50 > probes {
		l.t.Errorf("%d of %d probes got no answer", missed, probes)
	}
	l.t.Logf("%d commits, each once; the longest pause between two: %v; %d rotations, %d commits refused after %d revocations; %d+%d webhooks",
		tasks, gap.Round(time.Millisecond), l.size.rotations, refused, l.revoked.Load(), l.size.webhooks, l.size.webhooks)
	l.t.Logf("memory of its own (RssAnon): %.1f MB before, %.1f MB at most; %d probes, %d without an answer, the slowest after %v; %d CPUs",
		float64(before)/1e6, float64(l.peak.Load())/1e6, l.probes.Load(), l.missed.Load(), time.Duration(l.slowest.Load()).Round(time.Millisecond), runtime.NumCPU())
	for line := range strings.Lines(l.log()) {
		if strings.Contains(line, "level=ERROR") && !strings.Contains(line, "refused, and") {
			l.t.Errorf("the log has an error: %s", line)
		}
	}
}
