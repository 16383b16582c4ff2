package main

import (
	"bufio"
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
)

// result is one line of go test -bench.
type result struct {
	bench   string // BenchmarkPush is Push
	layout  string // specs=1000; empty if it has none
	size    int    // how many of sized; 0 if the layout is of another kind
	metrics map[string]float64
}

// sized are the layouts that differ in a number alone.
var sized = []string{"specs", "rows", "refs", "events", "packs"}

// comparable reports whether the size is one of those that have a column. Packs are no
// specs: there are never as many.
func (r *result) comparable() bool { return r.size > 0 && !strings.HasPrefix(r.layout, "packs=") }

// parse returns the results that go test has printed. Other lines do not count.
func parse(raw []byte) []result {
	var all []result
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		all = append(all, resultOf(fields))
	}
	return all
}

// resultOf reads a name with the number of processors behind it, the number of runs,
// and pairs of a value and its unit.
func resultOf(fields []string) result {
	name := strings.TrimPrefix(fields[0], "Benchmark")
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		name = name[:i]
	}
	r := result{metrics: map[string]float64{}}
	r.bench, r.layout, _ = strings.Cut(name, "/")
	if kind, n, _ := strings.Cut(r.layout, "="); slices.Contains(sized, kind) {
		r.size, _ = strconv.Atoi(n)
	}
	for i := 2; i+1 < len(fields); i += 2 {
		if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
			r.metrics[fields[i+1]] = v
		}
	}
	return r
}

// point is one value of a metric at one size.
type point struct {
	size  int
	value float64
}

// points returns the metric of the benchmark by size, smallest first.
func points(all []result, bench, metric string) []point {
	var ps []point
	for _, r := range all {
		if v, ok := r.metrics[metric]; ok && r.bench == bench && r.size > 0 {
			ps = append(ps, point{r.size, v})
		}
	}
	slices.SortFunc(ps, func(a, b point) int { return a.size - b.size })
	return ps
}

// exponent fits value = c · size^e by least squares of the logarithms, and returns e.
// ok is false if there is nothing to fit.
func exponent(ps []point) (e float64, ok bool) {
	var n, sx, sy, sxx, sxy float64
	for _, p := range ps {
		if p.value <= 0 {
			continue
		}
		x, y := math.Log(float64(p.size)), math.Log(p.value)
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	d := n*sxx - sx*sx
	if n < 2 || d == 0 {
		return 0, false
	}
	return (n*sxy - sx*sy) / d, true
}
