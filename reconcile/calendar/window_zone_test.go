package calendar

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/internal/fixture"
)

// TestWindow_EveryMinute: whether a weekly window is open depends on nothing but the
// weekday and the minutes that a clock on the wall shows, in every zone of the tz
// database; and Next is the first minute at which that becomes otherwise.
func TestWindow_EveryMinute(t *testing.T) {
	windows := map[string]*Window{
		"weekend":     {Days: []time.Weekday{time.Saturday, time.Sunday}, To: 24 * time.Hour},
		"nights":      {From: 22 * time.Hour, To: 6 * time.Hour},
		"sunday 2-3":  {Days: []time.Weekday{time.Sunday}, From: 2 * time.Hour, To: 3 * time.Hour},
		"into a gap":  {From: 30 * time.Minute, To: 2*time.Hour + 30*time.Minute},
		"friday on":   {Days: []time.Weekday{time.Friday}, From: 18 * time.Hour, To: 6 * time.Hour},
		"after lunch": {Days: []time.Weekday{time.Monday, time.Wednesday}, From: 13*time.Hour + 15*time.Minute, To: 24 * time.Hour},
	}
	for _, year := range []int{2026, 2011} {
		zones := zonesOf(t, year)
		t.Logf("%d zones differ in %d", len(zones), year)
		if year == 2011 && !*fixture.Long { // when Samoa left out a Friday
			zones = []*time.Location{zone(t, "Pacific/Apia")}
		}
		for name, w := range windows {
			open := wallClock(w)
			for _, loc := range zones {
				w.Location = loc
				tryYear(t, name, w, &open, year)
			}
		}
	}
}

// weekMinutes is how many minutes a week has on the wall.
const weekMinutes = 7 * 24 * 60

// wallClock is the oracle: it marks the minutes of a week at which a window is open,
// and knows no zone and no date.
func wallClock(w *Window) (open [weekMinutes]bool) {
	from, length := int(w.From.Minutes()), int((w.To - w.From).Minutes())
	if length <= 0 {
		length += 24 * 60
	}
	for day := range 7 {
		if len(w.Days) > 0 && !slices.Contains(w.Days, time.Weekday(day)) {
			continue
		}
		for k := range length {
			open[(day*24*60+from+k)%weekMinutes] = true
		}
	}
	return open
}

// tryYear compares a window with the oracle, backwards so that it knows the next change.
func tryYear(t *testing.T, name string, w *Window, open *[weekMinutes]bool, year int) {
	t.Helper()
	start := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	end := start.AddDate(1, 0, 0)
	shows := func(at time.Time) bool {
		local := at.In(w.Location)
		return open[int(local.Weekday())*24*60+local.Hour()*60+local.Minute()]
	}
	for at := end; at.After(start); {
		first, _ := at.Add(-time.Minute).In(w.Location).ZoneBounds()
		if first.Before(start) {
			first = start
		}
		try := func(from, to time.Time, step time.Duration) {
			for m := from; m.Before(to); m = m.Add(step) {
				if got, want := w.open(m), shows(m); got != want {
					t.Fatalf("%s in %s at %s: open is %v, want %v", name, w.Location, m.In(w.Location), got, want)
				}
			}
		}
		if *fixture.Long {
			try(first, at, time.Minute)
		} else {
			const near = 3 * time.Hour
			try(first, first.Add(near), time.Minute)
			try(at.Add(-near), at, time.Minute)
			try(first, at, 97*time.Minute)
		}
		tryNext(t, name, w, shows, first)
		at = first
	}
}

// tryNext follows a window from change to change over some days around a change of the
// clocks, minute by minute.
func tryNext(t *testing.T, name string, w *Window, shows func(time.Time) bool, around time.Time) {
	t.Helper()
	near := 5 * time.Hour
	if *fixture.Long {
		near = 26 * time.Hour
	}
	m := around.Add(-near)
	next, is := w.Next(m), shows(m)
	for last := around.Add(near); m.Before(last); {
		m = m.Add(time.Minute)
		was := is
		is = shows(m)
		if (is != was) != next.Equal(m) {
			t.Fatalf("%s in %s: at %s it is open: %v, and the next change was told to be at %s", name, w.Location, m.In(w.Location), is, next.In(w.Location))
		}
		if is != was {
			next = w.Next(m)
		}
	}
}

// zonesOf returns one zone for each way in which the clocks of a year go.
func zonesOf(t *testing.T, year int) []*time.Location {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	seen := map[[sha256.Size]byte]bool{}
	var zones []*time.Location
	for _, f := range archive.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if loc := readZone(t, f); !seen[clocks(loc, year)] {
			seen[clocks(loc, year)] = true
			zones = append(zones, loc)
		}
	}
	if len(zones) < 50 {
		t.Fatalf("the tz database has only %d ways in which clocks go", len(zones))
	}
	return zones
}

func readZone(t *testing.T, f *zip.File) *time.Location {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	loc, err := time.LoadLocationFromTZData(f.Name, data)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// clocks is a digest of when and how far the clocks of a zone are changed in a year.
func clocks(loc *time.Location, year int) [sha256.Size]byte {
	var b bytes.Buffer
	at, end := time.Date(year-1, 12, 1, 0, 0, 0, 0, time.UTC), time.Date(year+1, 2, 1, 0, 0, 0, 0, time.UTC)
	for at.Before(end) {
		_, offset := at.In(loc).Zone()
		_, next := at.In(loc).ZoneBounds()
		_ = binary.Write(&b, binary.BigEndian, [2]int64{at.Unix(), int64(offset)})
		if next.IsZero() {
			break
		}
		at = next
	}
	return sha256.Sum256(b.Bytes())
}
