package config

import (
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/wedatasync/wedatasync/reconcile/calendar"
)

// The values of a window's mode.
const (
	modeFreeze = "freeze" // nothing is committed inside
	modeAllow  = "allow"  // nothing is committed outside
)

func (c *reader) windows(n *yaml.Node) []calendar.Window {
	if n.Kind != yaml.SequenceNode {
		c.fail(n, "a list of windows is required")
		return nil
	}
	var windows []calendar.Window
	for i, item := range n.Content {
		c.at(index(i), func() { windows = append(windows, c.window(item)) })
	}
	return windows
}

// window reads one window. What could be taken for another time than was meant is
// refused: a mistake in a window is seen only when it holds a release, or does not.
func (c *reader) window(n *yaml.Node) calendar.Window {
	w := calendar.Window{Location: time.UTC, To: 24 * time.Hour}
	mistakes := len(c.errs)
	given := c.mapping(n, fields{
		"name":     func(value *yaml.Node) { w.Name = c.text(value) },
		"mode":     func(value *yaml.Node) { w.Allow = c.mode(value) },
		"timezone": func(value *yaml.Node) { w.Location = c.location(value) },
		"days":     func(value *yaml.Node) { w.Days = c.days(value) },
		"from":     func(value *yaml.Node) { w.From = c.clock(value) },
		"to":       func(value *yaml.Node) { w.To = c.clock(value) },
		"start":    func(value *yaml.Node) { w.Start = c.time(value) },
		"end":      func(value *yaml.Node) { w.End = c.time(value) },
		"projects": func(value *yaml.Node) { w.Projects = c.patterns(value) },
		"tasks":    func(value *yaml.Node) { w.Tasks = c.patterns(value) },
	})
	if w.Name == "" {
		c.fail(n, "a window needs a name, which is shown when it holds a plan")
	}
	if len(c.errs) == mistakes {
		c.windowTimes(n, &w, given)
	}
	return w
}

// windowTimes refuses times that do not say clearly when the window is open.
func (c *reader) windowTimes(n *yaml.Node, w *calendar.Window, given map[string]bool) {
	weekly, once := given["days"] || given["from"] || given["to"], given["start"] || given["end"]
	switch {
	case weekly && once:
		c.fail(n, "days, from and to are for a weekly window, start and end for one that is open once: make two windows of it")
	case !weekly && !once:
		c.fail(n, "it has no times: set days, or from and to, or start and end")
	case given["start"] != given["end"]:
		c.fail(n, "it has only one of start and end: set both")
	case once && !w.Start.Before(w.End):
		c.fail(n, "end is not after start")
	case weekly && w.From == 24*time.Hour:
		c.fail(n, "from is the end of the day: write 00:00 and the next day")
	case weekly && w.From == w.To:
		c.fail(n, "from and to are the same time of day: leave both out for the whole day")
	}
}

func (c *reader) mode(n *yaml.Node) (allow bool) {
	switch c.text(n) {
	case modeFreeze:
	case modeAllow:
		return true
	default:
		c.fail(n, "write %s (nothing is committed inside the window, the default) or %s (nothing is committed outside)", modeFreeze, modeAllow)
	}
	return false
}

// patterns reads ids, of which each may end in *.
func (c *reader) patterns(n *yaml.Node) []string {
	patterns := c.texts(n)
	if n.Kind == yaml.SequenceNode && len(patterns) == 0 {
		c.fail(n, "an empty list matches no task: leave the key out for all tasks")
	}
	for i, p := range patterns {
		if p == "" || strings.Contains(strings.TrimSuffix(p, "*"), "*") {
			c.fail(n.Content[i], "write an id, or the beginning of one and * at its end")
		}
	}
	return patterns
}

func (c *reader) location(n *yaml.Node) *time.Location {
	name := c.text(n)
	loc, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" { // which differ from machine to machine
		c.fail(n, "this is not a time zone, such as Asia/Shanghai")
		return time.UTC
	}
	return loc
}

func (c *reader) days(n *yaml.Node) []time.Weekday {
	var days []time.Weekday
	texts := c.texts(n)
	if n.Kind == yaml.SequenceNode && len(texts) == 0 {
		c.fail(n, "an empty list matches no day: leave the key out for every day")
	}
	for i, text := range texts {
		day, ok := weekday(text)
		if !ok {
			c.fail(n.Content[i], "this is not a day of the week, such as sat")
		}
		days = append(days, day)
	}
	return days
}

// weekday reads a day by its name or the first three letters of it.
func weekday(text string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		name := strings.ToLower(day.String())
		if text := strings.ToLower(text); text == name || text == name[:3] {
			return day, true
		}
	}
	return 0, false
}

// clock reads a time of day, "00:00" to "24:00".
func (c *reader) clock(n *yaml.Node) time.Duration {
	text := c.text(n)
	if text == "24:00" {
		return 24 * time.Hour
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		c.fail(n, "this is not a time of day, such as 18:00")
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}

func (c *reader) time(n *yaml.Node) time.Time {
	t, err := time.Parse(time.RFC3339, c.text(n))
	if err != nil {
		c.fail(n, "this is not a time with an offset, such as 2026-12-24T18:00:00+08:00")
	}
	return t
}
