package serve

// counts says how many tasks stand how, those that are in sync first.
func (l *look) counts(all *listing) []count {
	var counts []count
	add := func(s standing, n int) {
		if n > 0 || s == standInSync {
			counts = append(counts, count{badgeOf(s), n, tasksPath("", s, 1)})
		}
	}
	approvals := min(l.approvalsBefore(all), l.count(standInSync))
	add(standInSync, l.count(standInSync)-approvals)
	for _, i := range standings() {
		switch i.standing {
		case standInSync:
		case standApproval:
			add(standApproval, approvals+l.calls[standApproval])
		default:
			add(i.standing, l.count(i.standing))
		}
	}
	return counts
}

// approvalsBefore counts the commits that await approval since before this pass. Those
// of the pass are among its calls.
func (l *look) approvalsBefore(all *listing) int {
	n := len(all.approvals)
	for _, a := range all.approvals {
		if l.pass == nil {
			break
		}
		if _, called := l.pass.outcomes.Load(a.key); called {
			n--
		}
	}
	return n
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
