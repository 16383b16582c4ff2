package main

import (
	"context"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// TestTable prints the table of a run that was kept.
func TestTable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := table(t.Context(), options{from: filepath.Join("testdata", "run.txt")}, &b, io.Discard); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "run.golden.md")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("the table differs (-want +got):\n%s", diff)
	}
}

// TestExponent fits growth that is known.
func TestExponent(t *testing.T) {
	t.Parallel()
	sizes := []int{1_000, 10_000, 100_000, 1_000_000}
	for _, e := range []float64{0, 0.5, 1, 2} {
		var ps []point
		for _, n := range sizes {
			ps = append(ps, point{n, 7 * math.Pow(float64(n), e)})
		}
		if got, ok := exponent(ps); !ok || math.Abs(got-e) > 1e-9 {
			t.Errorf("n^%g is fitted as n^%g, %v", e, got, ok)
		}
	}
	for _, ps := range [][]point{nil, {{1_000, 5}}, {{1_000, 5}, {1_000, 6}}, {{1_000, 0}, {10_000, 5}}} {
		if got, ok := exponent(ps); ok {
			t.Errorf("%v is fitted as n^%g", ps, got)
		}
	}
}

// TestOtherLines: what go test prints besides results is no result.
func TestOtherLines(t *testing.T) {
	t.Parallel()
	if got := parse([]byte("goos: linux\nPASS\nok  \tbench\t1.2s\nBenchmarkPoll\n--- BENCH: BenchmarkPoll-2\n")); got != nil {
		t.Errorf("got %+v", got)
	}
}

// TestNoFile says which file is missing.
func TestNoFile(t *testing.T) {
	t.Parallel()
	err := table(context.Background(), options{from: "none.txt"}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "none.txt") {
		t.Errorf("the error is %v", err)
	}
}
