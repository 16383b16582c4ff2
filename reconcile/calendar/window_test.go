package calendar

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones of the tests, on any machine

	"github.com/wedatasync/wedatasync/reconcile/internal/fixture"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// TestWindows looks at the first and the last moment of windows. 2026-12-01 is a
// Tuesday; Berlin changes its clocks on 2026-03-29 and 2026-10-25.
func TestWindows(t *testing.T) {
	shanghai, berlin := zone(t, "Asia/Shanghai"), zone(t, "Europe/Berlin")
	const h = time.Hour
	weekdays := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	tests := []struct {
		name   string
		window Window
		at     string // RFC 3339
		end    string // empty: it is not in the window; never: it stays in it
	}{
		{"once, before", Window{Start: fixture.Noon, End: fixture.Noon.Add(h)}, "2026-12-01T11:59:59Z", ""},
		{"once, at the start", Window{Start: fixture.Noon, End: fixture.Noon.Add(h)}, "2026-12-01T12:00:00Z", "2026-12-01T13:00:00Z"},
		{"once, at the end", Window{Start: fixture.Noon, End: fixture.Noon.Add(h)}, "2026-12-01T13:00:00Z", ""},
		{"once, in another zone", Window{Start: fixture.Noon, End: fixture.Noon.Add(h)}, "2026-12-01T20:30:00+08:00", "2026-12-01T13:00:00Z"},

		{"daily, before", Window{From: 9 * h, To: 17 * h}, "2026-12-01T08:59:59Z", ""},
		{"daily, at the start", Window{From: 9 * h, To: 17 * h}, "2026-12-01T09:00:00Z", "2026-12-01T17:00:00Z"},
		{"daily, at the end", Window{From: 9 * h, To: 17 * h}, "2026-12-01T17:00:00Z", ""},
		{"the whole day", Window{To: 24 * h}, "2026-12-01T23:59:59Z", "never"},
		{"half an hour past", Window{From: 9*h + 30*time.Minute, To: 17 * h}, "2026-12-01T09:29:59Z", ""},

		{"in its own zone", Window{Location: shanghai, From: 9 * h, To: 17 * h}, "2026-12-01T01:00:00Z", "2026-12-01T09:00:00Z"},
		{"in its own zone, after", Window{Location: shanghai, From: 9 * h, To: 17 * h}, "2026-12-01T09:00:00Z", ""},
		{"the day is that of its zone", Window{Location: shanghai, Days: []time.Weekday{time.Wednesday}, To: 24 * h}, "2026-12-01T16:00:00Z", "2026-12-02T16:00:00Z"},
		{"the day is not that of UTC", Window{Location: shanghai, Days: []time.Weekday{time.Tuesday}, To: 24 * h}, "2026-12-01T16:00:00Z", ""},

		{"a weekday", Window{Days: weekdays, To: 24 * h}, "2026-12-04T23:00:00Z", "2026-12-05T00:00:00Z"},
		{"not a weekday", Window{Days: weekdays, To: 24 * h}, "2026-12-05T00:00:00Z", ""},

		{"over midnight, in the evening", Window{From: 22 * h, To: 6 * h}, "2026-12-01T22:00:00Z", "2026-12-02T06:00:00Z"},
		{"over midnight, in the morning", Window{From: 22 * h, To: 6 * h}, "2026-12-02T05:59:59Z", "2026-12-02T06:00:00Z"},
		{"over midnight, at fixture.Noon", Window{From: 22 * h, To: 6 * h}, "2026-12-02T12:00:00Z", ""},
		{"over midnight, from Friday", Window{Days: []time.Weekday{time.Friday}, From: 22 * h, To: 6 * h}, "2026-12-05T05:00:00Z", "2026-12-05T06:00:00Z"},
		{"over midnight, not from Thursday", Window{Days: []time.Weekday{time.Friday}, From: 22 * h, To: 6 * h}, "2026-12-04T05:00:00Z", ""},
		{"from a time to the same time", Window{From: 9 * h, To: 9 * h}, "2026-12-02T08:59:59Z", "never"},
		{"over the new year", Window{From: 22 * h, To: 6 * h}, "2027-01-01T01:00:00Z", "2027-01-01T06:00:00Z"},

		// The day of 23 hours: 02:00 becomes 03:00.
		{"clocks go forward, the whole day", Window{Location: berlin, To: 24 * h}, "2026-03-29T12:00:00Z", "never"},
		{"clocks go forward, after the gap", Window{Location: berlin, From: 3 * h, To: 5 * h}, "2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z"},
		{"clocks go forward, from inside the gap", Window{Location: berlin, From: 2*h + 30*time.Minute, To: 5 * h}, "2026-03-29T02:00:00Z", "2026-03-29T03:00:00Z"},
		{"clocks go forward, over it", Window{Location: berlin, From: 22 * h, To: 6 * h}, "2026-03-29T03:59:59Z", "2026-03-29T04:00:00Z"},
		// The day of 25 hours: 03:00 becomes 02:00.
		{"clocks go back, the whole day", Window{Location: berlin, To: 24 * h}, "2026-10-25T22:59:59Z", "never"},
		{"clocks go back, over it", Window{Location: berlin, From: 22 * h, To: 6 * h}, "2026-10-25T04:59:59Z", "2026-10-25T05:00:00Z"},
		{"clocks go forward, a window inside the gap", Window{Location: berlin, From: 2 * h, To: 3 * h}, "2026-03-29T01:00:00Z", ""},
		{"clocks go forward, to inside the gap", Window{Location: berlin, From: 1 * h, To: 2*h + 30*time.Minute}, "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"},
		{"clocks go forward, a whole Sunday", Window{Location: berlin, Days: []time.Weekday{time.Sunday}, To: 24 * h}, "2026-03-29T12:00:00Z", "2026-03-29T22:00:00Z"},
		{"clocks go back, the first 02:30", Window{Location: berlin, From: 2 * h, To: 3 * h}, "2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z"},
		{"clocks go back, the second 02:30", Window{Location: berlin, From: 2 * h, To: 3 * h}, "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"},
		{"clocks go back, a whole Sunday", Window{Location: berlin, Days: []time.Weekday{time.Sunday}, To: 24 * h}, "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z"},
		{"clocks go back, once from and twice to", Window{Location: berlin, From: 1 * h, To: 2*h + 30*time.Minute}, "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z"},
		{"clocks go back, open again in the second hour", Window{Location: berlin, From: 1 * h, To: 2*h + 30*time.Minute}, "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"},
		{"clocks go back, after", Window{Location: berlin, From: 22 * h, To: 6 * h}, "2026-10-25T05:00:00Z", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, tt.at)
			if err != nil {
				t.Fatal(err)
			}
			end, in := tt.window.Contains(at)
			if in != (tt.end != "") {
				t.Fatalf("in the window: %v", in)
			}
			got := "never"
			if !end.IsZero() {
				got = end.UTC().Format(time.RFC3339)
			}
			if in && got != tt.end {
				t.Errorf("ends %s, want %s", got, tt.end)
			}
		})
	}
}

// TestMatchTask has the patterns of allowTasks.
func TestMatchTask(t *testing.T) {
	tests := []struct {
		pattern, task string
		want          bool
	}{
		{"a", "a", true},
		{"a", "ab", false},
		{"a*", "a", true},
		{"a*", "ab", true},
		{"a*", "ba", false},
		{"*", "anything", true},
		{"a*b", "axb", false},
		{"", "", true},
	}
	for _, tt := range tests {
		if got := MatchID(tt.pattern, tt.task); got != tt.want {
			t.Errorf("matchTask(%q, %q) = %v", tt.pattern, tt.task, got)
		}
	}
}
