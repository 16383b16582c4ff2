package page

import (
	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
)

// countsOf returns how many tasks are in each state, those in sync first.
func countsOf(s *snapshot.Snapshot) []count {
	var counts []count
	add := func(s explain.State, n int) {
		if n > 0 || s == explain.InSync {
			counts = append(counts, count{badgeOf(s), n, tasksQuery{state: s}.path()})
		}
	}
	add(explain.InSync, s.Count(explain.InSync))
	for _, i := range explain.States() {
		if i.State != explain.InSync {
			add(i.State, s.Count(i.State))
		}
	}
	return counts
}

// bar draws the counts. Every state with a task is wide enough to be seen.
func bar(counts []count) []segment {
	const whole, least = 1000, 8
	total := 0
	for _, c := range counts {
		total += c.N
	}
	if total == 0 {
		return nil
	}
	var segments []segment
	room := whole
	for _, c := range counts[1:] {
		if c.N > 0 {
			w := min(max(c.N*whole/total, least), room)
			segments = append(segments, segment{Tone: c.Tone, Width: w})
			room -= w
		}
	}
	x := room
	for i := range segments {
		segments[i].X = x
		x += segments[i].Width
	}
	return append([]segment{{Tone: counts[0].Tone, Width: room}}, segments...)
}
