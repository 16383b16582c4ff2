package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// promise is a row of the table.
type promise struct {
	what   string
	bench  string
	metric string
	naive  string // the metric of the naive way; empty if it has none
	least  bool   // target is the least, not the most
	target float64
	unit   unit
	why    string // what takes the time, or the memory; for a target that is missed
}

// unit is how a metric is shown.
type unit int

const (
	plain unit = iota
	nanoseconds
	megabytes
	bytesEach
	percent
	perSecond
	times
)

// wholeSize is the number of specs, or rows, that targets are for.
const wholeSize = 100_000

// Reasons why targets are missed.
const (
	ofTheMachine = "it depends on how fast the machine is: see its rows, and \"Where the time goes\""
	ofParsing    = "most of it is yaml.v3, and collecting what it leaves: the target is for 20 µs a spec"
	ofStarts     = "half of it is the start of the process, which initializes the packages of SQLite, TLS and the command line"
	ofPlans      = "half of it is the start of the process, and a fifth the server's answer to where the branch is"
	ofServers    = "git's server takes part of it, whose slowest answer is in the row of the slowest push"
	ofClones     = "the server does not filter, or was not asked to: all objects of the branch were fetched"
	ofRecords    = "what is kept grows with the tasks, and what the start has used is given back after 10 s"
)

// promises returns the rows, in the order of the table.
func promises() []promise {
	return []promise{
		{"poll with nothing new: computing time", "Poll", "cpu-ns", "naive-cpu-ns", false, ns(5 * time.Millisecond), nanoseconds, ofTheMachine},
		{"– round trips", "Poll", "round-trips", "", false, 1, plain, ""},
		{"– allocated", "Poll", "B/op", "", false, 0, bytesEach, ""},
		{"poll of a repository with that many refs: computing time", "Refs", "cpu-ns", "naive-cpu-ns", false, ns(5 * time.Millisecond), nanoseconds, ofTheMachine},
		{"– what the server answers", "Refs", "answered", "", false, 2_000, bytesEach, "the server does not know version 2 of git's protocol, and lists all refs"},
		{"push of 10 changes to the first request: median", "Push", "median-ns", "naive-ns", false, ns(150 * time.Millisecond), nanoseconds, ofServers},
		{"– of it, in git's server", "Push", "git-ns", "", false, 0, nanoseconds, ""},
		{"1,000 pushes of a change, to each first request: median", "Pushes", "median-ns", "", false, ns(150 * time.Millisecond), nanoseconds, ofServers},
		{"– p99", "Pushes", "p99-ns", "", false, ns(300 * time.Millisecond), nanoseconds, ofServers},
		{"– p99 by the median", "Pushes", "p99-x-median", "", false, 3, times, ofServers},
		{"– the slowest", "Pushes", "max-ns", "", false, 0, nanoseconds, ""},
		{"– of it, in git's server", "Pushes", "max-git-ns", "", false, 0, nanoseconds, ""},
		{"– times that the mirror was compacted", "Pushes", "compactions", "", true, 1, plain, "the mirror's packs were never joined"},
		{"push to 10,000 specs while each processor has another process to run: median", "Busy", "median-ns", "", false, 0, nanoseconds, ""},
		{"– p99", "Busy", "p99-ns", "", false, 0, nanoseconds, ""},
		{"fetch of 10 changes into a mirror of 50 packs: computing time", "Packs", "cpu-ns", "", false, 0, nanoseconds, ""},
		{"1,000 specs next to 50 MB of other files: what the server sends", "Path", "answered", "naive-answered", false, 2_000_000, bytesEach, ofClones},
		{"plan of 10 changes once fetched", "Plan", "median-ns", "naive-ns", false, ns(5 * time.Millisecond), nanoseconds, ofTheMachine},
		{"restart to the first plan", "Restart", "median-ns", "naive-ns", false, ns(time.Second), nanoseconds, ofTheMachine},
		{"– after an upgrade", "Restart", "upgrade-ns", "", false, ns(time.Second), nanoseconds, ofTheMachine},
		{"– memory above its own when idle", "Restart", "above-idle-MB", "", false, 0, megabytes, ""},
		{"– above that of a daemon of one spec", "Restart", "above-one-MB", "", false, 0, megabytes, ""},
		{"cold start: clone, parse, plan", "ColdStart", "median-ns", "naive-ns", false, ns(5 * time.Second), nanoseconds, ofParsing},
		{"memory, steady", "Push", "rss-MB", "", false, 220, megabytes, ofRecords},
		{"memory, peak of a cold start", "ColdStart", "peak-MB", "naive-MB", false, 350, megabytes, ofParsing},
		{"status, next to a daemon", "Commands", "status-ns", "", false, ns(100 * time.Millisecond), nanoseconds, ofStarts},
		{"history TASK", "Commands", "history-ns", "", false, ns(100 * time.Millisecond), nanoseconds, ofStarts},
		{"– in a history of that many rows", "History", "median-ns", "", false, ns(100 * time.Millisecond), nanoseconds, ofStarts},
		{"explain TASK, next to a daemon", "Commands", "explain-ns", "", false, ns(100 * time.Millisecond), nanoseconds, ofPlans},
		{"plan with nothing to do, next to a daemon", "Commands", "beside-ns", "", false, ns(150 * time.Millisecond), nanoseconds, ofPlans},
		{"– without one", "Commands", "plan-ns", "", false, ns(time.Second), nanoseconds, ofTheMachine},
		{"stop with nothing changed", "Commands", "stop-ns", "", false, ns(100 * time.Millisecond), nanoseconds, ofTheMachine},
		{"1,000 commits, of 20 a second: whole run", "Commits", "percent", "naive-percent", true, 98, percent, ofTheMachine},
		{"– once the jitter is learned", "Commits", "learned-percent", "", true, 99, percent, ofTheMachine},
		{"– busiest fixed second of the server", "Commits", "fixed", "", false, 20, plain, "a request was held up for longer than any before: see \"Not there yet\""},
		{"– busiest sliding second", "Commits", "sliding", "", false, 20, plain, "a request was held up for longer than any before: see \"Not there yet\""},
		{"state: transitions of one writer", "State", "saves/s", "", true, 1_000, perSecond, ofTheMachine},
		{"– one transition, p50", "State", "median-ns", "naive-ns", false, 0, nanoseconds, ""},
		{"– by one fsync", "State", "x-fsync", "", false, 2, times, "the processor's part of a transition takes longer than this disk's sync"},
		{"plan against a revision, by git diff --stat", "Against", "x-git-diff", "", false, 3, times, ofStarts},
		{"plan of 10 changes, without a daemon; naive: OpenTofu's of as many resources", "Peers", "plan-ns", "tofu-ns", false, ns(time.Second), nanoseconds, ofTheMachine},
		{"the GitHub Action: download, checksum, plan", "Action", "median-ns", "", false, ns(10 * time.Second), nanoseconds, ofParsing},
		{"this machine: one spec by yaml.v3", "Yardstick", "median-ns", "", false, 0, nanoseconds, ""},
		{"this machine: one fsync", "State", "fsync-ns", "", false, 0, nanoseconds, ""},
	}
}

func ns(d time.Duration) float64 { return float64(d) }

// render returns the table. The columns behind the ratio are the other layouts that
// were measured, and the exponent of growth over the sizes.
func render(all []result) string {
	others := otherLayouts(all)
	head := append([]string{"what", "target", "seen", "naive", "ratio"}, others...)
	head = append(head, "exponent")
	var b strings.Builder
	line(&b, head)
	line(&b, slices.Repeat([]string{"---"}, len(head)))
	for _, p := range promises() {
		if cells := p.cells(all, others); cells != nil {
			line(&b, cells)
		}
	}
	b.WriteString(misses(all))
	return b.String()
}

// misses says why targets are missed.
func misses(all []result) string {
	var b strings.Builder
	whole := ""
	for _, p := range promises() {
		part, ofRow := strings.CutPrefix(p.what, "– ")
		if !ofRow {
			whole, _, _ = strings.Cut(p.what, ":")
		} else {
			part = whole + ", " + part
		}
		seen := p.whole(all)
		if seen == nil || seen.comparable() && seen.size != wholeSize || !p.missed(seen.metrics[p.metric]) {
			continue
		}
		if b.Len() == 0 {
			b.WriteString("\nMissed:\n\n")
		}
		fmt.Fprintf(&b, "- %s, %s in place of %s: %s.\n", part, p.unit.text(seen.metrics[p.metric]), p.goal(), p.why)
	}
	return b.String()
}

func line(b *strings.Builder, cells []string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// cells returns the row, or nil if it was not measured.
func (p *promise) cells(all []result, others []string) []string {
	seen := p.whole(all)
	if seen == nil {
		return nil
	}
	value := seen.metrics[p.metric]
	row := []string{p.what, p.goal(), p.unit.text(value), "", ""}
	switch {
	case seen.comparable() && seen.size != wholeSize:
		row[2] += " at " + count(seen.size)
	case p.missed(value):
		row[2] += " (missed)"
	}
	if naive, ok := seen.metrics[p.naive]; ok {
		row[3], row[4] = p.unit.text(naive), ratio(value, naive)
	}
	for _, layout := range others {
		row = append(row, p.at(all, layout))
	}
	e, ok := exponent(points(all, p.bench, p.metric))
	if !ok {
		return append(row, "")
	}
	return append(row, fmt.Sprintf("%.2f", math.Round(100*e)/100+0)) // no -0.00
}

// whole returns the result that the target is for: of 100,000, or else of the most
// that were measured, or of the one without a size.
func (p *promise) whole(all []result) *result {
	var best *result
	for i := range all {
		r := &all[i]
		if _, ok := r.metrics[p.metric]; !ok || r.bench != p.bench || r.layout != "" && r.size == 0 {
			continue
		}
		if best == nil || r.size > best.size && r.size <= wholeSize {
			best = r
		}
	}
	return best
}

// at returns the metric at a size or in a layout, by the title of its column.
func (p *promise) at(all []result, title string) string {
	for _, r := range all {
		if v, ok := r.metrics[p.metric]; ok && r.bench == p.bench && titleOf(r) == title {
			return p.unit.text(v)
		}
	}
	return ""
}

// otherLayouts returns the titles of the columns for what is not the whole size: the
// sizes, then other layouts.
func otherLayouts(all []result) []string {
	var sizes []int
	var rest []string
	whole := 0
	for _, r := range all {
		if r.comparable() {
			sizes = append(sizes, r.size)
		} else if r.layout != "" && r.size == 0 {
			rest = append(rest, titleOf(r))
		}
		if r.size <= wholeSize {
			whole = max(whole, r.size)
		}
	}
	slices.Sort(sizes)
	var titles []string
	for _, n := range slices.Compact(sizes) {
		if n != whole {
			titles = append(titles, count(n))
		}
	}
	slices.Sort(rest)
	return append(titles, slices.Compact(rest)...)
}

// titleOf returns the title of the column that a result belongs to.
func titleOf(r result) string {
	if r.size > 0 {
		return count(r.size)
	}
	files, list, ok := strings.Cut(strings.TrimPrefix(r.layout, "files="), "+list=")
	if !ok {
		return r.layout
	}
	return fmt.Sprintf("%s and a list of %s", grouped(files), grouped(list))
}

// goal says what the target is.
func (p *promise) goal() string {
	text := strings.NewReplacer(".00 ", " ", ".0 ", " ", ".00x", "x").Replace(p.unit.text(p.target))
	switch {
	case p.target == 0:
		return ""
	case p.least:
		return "at least " + text
	case p.unit == plain:
		return "at most " + text
	default:
		return "under " + text
	}
}

func (p *promise) missed(value float64) bool {
	switch {
	case p.target == 0:
		return false
	case p.least:
		return value < p.target
	default:
		return value > p.target
	}
}

// ratio says how many times the one is the other.
func ratio(ours, naive float64) string {
	switch {
	case naive == 0 || ours == 0:
		return ""
	case ours < naive:
		return "1/" + digits(naive/ours)
	default:
		return digits(ours/naive) + "x"
	}
}

// text shows a value with three digits that count.
func (u unit) text(v float64) string {
	switch u {
	case nanoseconds:
		return duration(v)
	case megabytes:
		return digits(v) + " MB"
	case bytesEach:
		if v >= 1e6 {
			return digits(v/1e6) + " MB"
		}
		return digits(v/1e3) + " KB"
	case percent:
		return strconv.FormatFloat(v, 'f', 1, 64) + " %"
	case perSecond:
		return count(int(v)) + "/s"
	case times:
		return digits(v) + "x"
	default:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
}

func duration(v float64) string {
	switch {
	case v >= 1e9:
		return digits(v/1e9) + " s"
	case v >= 1e6:
		return digits(v/1e6) + " ms"
	default:
		return digits(v/1e3) + " µs"
	}
}

// digits writes a value with up to three digits.
func digits(v float64) string {
	switch {
	case v >= 99.5:
		return count(int(v + 0.5))
	case v >= 9.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

func count(n int) string { return grouped(strconv.Itoa(n)) }

// grouped puts commas between groups of three digits.
func grouped(text string) string {
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
