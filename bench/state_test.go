package bench_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// BenchmarkState makes transitions durable in a state of many tasks: the intents and
// the outcomes of commits, one after the other, by one writer. p50-ns is of one
// transition, x-fsync that by one fsync of a few bytes that were appended to a file,
// in the same run on the same disk; and saves/s is how many there are a second.
//
// The naive way rewrites a file of JSON with all tasks for each.
func BenchmarkState(b *testing.B) {
	rows := []int{1_000, 10_000, 100_000}
	if testing.Short() {
		rows = rows[:1]
	}
	for _, n := range rows {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			dir := b.TempDir()
			records := recordsOf(n)
			s := filledState(b, dir, records)
			raw := appendTo(b, dir)
			rewrite := rewriter(b, dir, records)
			var saves, fsyncs, rewrites sample
			syncDisks() // the disk is not to be busy with what came before
			i := 0
			for b.Loop() {
				for _, t := range transitionsOf(records[i*7919%n], i) {
					start := time.Now()
					if err := s.Save(b.Context(), t); err != nil {
						b.Fatal(err)
					}
					saves = append(saves, time.Since(start))
				}
				fsyncs = append(fsyncs, raw())
				i++
			}
			for range 5 { // afterwards: the disk is busy with them for a while
				rewrites = append(rewrites, rewrite())
			}
			var sum time.Duration
			for _, d := range saves {
				sum += d
			}
			report(b, saves, rewrites)
			b.ReportMetric(float64(saves.at(0.99)), "p99-ns")
			b.ReportMetric(float64(len(saves))/sum.Seconds(), "saves/s")
			b.ReportMetric(float64(fsyncs.median()), "fsync-ns")
			b.ReportMetric(float64(saves.median())/float64(fsyncs.median()), "x-fsync")
		})
	}
}

// recordsOf returns the records of n tasks that are applied.
func recordsOf(n int) []*state.Record {
	_, all := settled(layout{files: n, each: 1})
	records := make([]*state.Record, 0, n)
	for key := range all.Keys() {
		records = append(records, all.Get(key))
	}
	return records
}

// filledState makes a state that knows the records.
func filledState(b *testing.B, dir string, records []*state.Record) *sqlstore.Store {
	b.Helper()
	id := state.Identity{Source: "https://git.example.com/specs.git", Branch: "main", Path: ".", Endpoint: "wedata.tencentcloudapi.com", Region: "ap-guangzhou"}
	s, err := sqlstore.Open(b.Context(), filepath.Join(dir, "wedatasync.db"), id, sqlstore.Options{Create: true})
	must(b, err)
	b.Cleanup(func() { must(b, s.Close()) })
	var all []state.Transition
	for _, rec := range records {
		all = append(all, state.Transition{Record: rec, Events: []state.Event{{At: rec.Applied.At, Kind: state.EventAdopted, Key: rec.Key}}})
	}
	must(b, s.SaveAll(b.Context(), all))
	return s
}

// transitionsOf returns the intent and the outcome of one commit, as a reconciler
// saves them.
func transitionsOf(rec *state.Record, i int) []state.Transition {
	at := time.Unix(1_790_000_000+int64(i), 0)
	wanted := *rec.Applied
	wanted.InstanceVersion, wanted.At, wanted.Origin = int64(i+2), time.Time{}, ""
	attempt := state.Attempt{
		ID: fmt.Sprintf("attempt-%020d", i), Wanted: wanted, Reason: "version", PlanHash: fmt.Sprintf("sha256:%064d", i),
		Author: "Ana <ana@example.com>", File: "tasks/0000/000000.yaml", Line: 3, At: at,
		Before: &state.Live{InstanceVersion: int64(i + 1), Status: state.TaskRunning, Submitted: true},
	}
	intent := &state.Record{Key: rec.Key, Status: state.StatusIntent, Applied: rec.Applied, Attempt: &attempt}
	applied := wanted
	applied.At, applied.Origin, applied.RequestID = at, state.OriginCommit, "eac6b301-a322-493a-8e36-83b295459397"
	event := state.Event{At: at, Key: rec.Key, Attempt: attempt.ID, Actor: attempt.Author, PlanHash: attempt.PlanHash}
	before, after := event, event
	before.Kind, after.Kind = state.EventIntent, state.EventOutcome
	after.Outcome = state.Outcome{Class: state.ClassApplied, RequestID: applied.RequestID}
	return []state.Transition{
		{Record: intent, Events: []state.Event{before}},
		{Record: &state.Record{Key: rec.Key, Status: state.StatusApplied, Applied: &applied}, Events: []state.Event{after}},
	}
}

// appendTo returns what appends a row to a file and syncs it, and says how long that
// took.
func appendTo(b *testing.B, dir string) func() time.Duration {
	b.Helper()
	f, err := os.Create(filepath.Join(dir, "raw"))
	must(b, err)
	b.Cleanup(func() { f.Close() })
	row := make([]byte, 4096)
	return func() time.Duration {
		start := time.Now()
		_, err := f.Write(row)
		must(b, err)
		must(b, f.Sync())
		return time.Since(start)
	}
}

// rewriter returns what writes a file of JSON with all records anew, durably, and says
// how long that took.
func rewriter(b *testing.B, dir string, records []*state.Record) func() time.Duration {
	byKey := make(map[string]*state.Record, len(records))
	for _, rec := range records {
		byKey[rec.Key.String()] = rec
	}
	path := filepath.Join(dir, "state.json")
	return func() time.Duration {
		start := time.Now()
		f, err := os.Create(path + ".new")
		must(b, err)
		must(b, json.NewEncoder(io.Writer(f)).Encode(byKey))
		must(b, f.Sync())
		must(b, f.Close())
		must(b, os.Rename(path+".new", path))
		folder, err := os.Open(dir)
		must(b, err)
		must(b, folder.Sync())
		must(b, folder.Close())
		return time.Since(start)
	}
}
