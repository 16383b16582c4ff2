package serve

// counts says how many tasks stand how, those that are in sync first.
func (l *look) counts() []count {
	var counts []count
	add := func(s standing, n int) {
		if n > 0 || s == standInSync {
			counts = append(counts, count{badgeOf(s), n, tasksPath("", s, 1)})
		}
	}
	add(standInSync, l.count(standInSync))
	for _, i := range standings() {
		if i.standing != standInSync {
			add(i.standing, l.count(i.standing))
		}
	}
	return counts
}

// bar draws the counts. What is there at all can be seen, however few it is.
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
