package page

import (
	"net/url"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/spec"
)

// frame is what every page has.
type frame struct {
	Title   string
	Here    string // the path of the page among those of the menu
	Version string
	At      moment
	// OneProject says that all tasks are of the same project, so that it need not be shown.
	OneProject bool
}

// link is a task as a page names it.
type link struct {
	Href    string // empty if no path can name the task
	Name    string // what people call it; empty if nothing says
	Task    string
	Project string
}

func linkTo(key spec.Key, name string) link {
	l := link{Name: name, Task: text.Visible(key.TaskID), Project: text.Visible(key.ProjectID)}
	if isSegment(key.ProjectID) && isSegment(key.TaskID) {
		l.Href = taskPath(key)
	}
	return l
}

// linkOf is the task as the page names it, by what the daemon knows of it.
func linkOf(s *snapshot.Snapshot, key spec.Key) link { return linkTo(key, s.Name(key, nil)) }

// isSegment reports whether s can be a segment of a path: browsers resolve dots away,
// however they are written.
func isSegment(s string) bool { return s != "" && s != "." && s != ".." }

func taskPath(key spec.Key) string {
	return "/task/" + url.PathEscape(key.ProjectID) + "/" + url.PathEscape(key.TaskID)
}

// badge is the state of a task, in a word.
type badge struct {
	Tone    explain.Tone
	Label   string
	Meaning string
}

func badgeOf(ts explain.State) badge { return badgeFor(ts.Info()) }

func badgeFor(i explain.Info) badge { return badge{i.Tone, i.Label, i.Meaning} }

// moment is a time as the page shows it.
type moment struct {
	ISO  string // for machines; empty for no time
	Full string // in UTC, to the second
	Text string // how far from now
}

func momentOf(t, now time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	return moment{ISO: t.UTC().Format(time.RFC3339), Full: t.UTC().Format("2006-01-02 15:04:05 UTC"), Text: snapshot.Ago(t, now)}
}
