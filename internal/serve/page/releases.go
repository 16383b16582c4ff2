package page

import (
	"cmp"
	"fmt"
	"html/template"
	"net/url"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/release"
	"github.com/wedatasync/wedatasync/internal/serve/chart"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/state"
)

// releaseRows is how many releases the status page has.
const releaseRows = 6

// releasesPage is all releases that are remembered.
type releasesPage struct {
	frame
	Timeline timeline
}

// timeline is releases, the newest first, and how long each took.
type timeline struct {
	Rows []releaseRow
	More int // that are remembered and not among Rows
}

// releaseRow is one release.
type releaseRow struct {
	badge
	Short   string
	Href    string
	Subject string
	Author  string
	Seen    moment
	Took    string
	Asked   string        // how many commits
	Bar     template.HTML // how long it took, beside the others
}

// timelineOf returns the newest releases, at most most.
func timelineOf(s *snapshot.Snapshot, most int) timeline {
	list := release.Newest(&s.Status.Control, most)
	longest := time.Duration(0)
	for i := range list {
		longest = max(longest, list[i].Took(s.Now))
	}
	t := timeline{More: len(s.Status.Control.Releases) - len(list)}
	for i := range list {
		t.Rows = append(t.Rows, releaseRowOf(s, &list[i], longest))
	}
	return t
}

func releaseRowOf(s *snapshot.Snapshot, r *release.Release, longest time.Duration) releaseRow {
	row := releaseRow{
		badge: outcomeBadge(r.Outcome), Short: text.Visible(snapshot.Short(r.Revision)), Href: releasePath(r.Revision),
		Subject: text.Visible(r.Subject), Author: text.Visible(authorName(r.Author)),
		Seen: momentOf(r.SeenAt, s.Now), Took: tookText(r, s.Now), Asked: text.PluralGrouped(r.Commits, "commit"),
	}
	row.Bar = chart.Length{
		Took: r.Took(s.Now), Most: longest, Tone: string(row.Tone), Open: !r.Ended(), Label: row.Label + ", " + row.Took,
	}.Bar()
	return row
}

// releasePath is the path of the page of a revision.
func releasePath(revision string) string {
	if !isSegment(revision) {
		return "/releases"
	}
	return "/release/" + url.PathEscape(revision)
}

// releaseHref is the path of the page of a revision; empty if that is not remembered.
func releaseHref(s *snapshot.Snapshot, revision string) string {
	for i := range s.Status.Control.Releases {
		if s.Status.Control.Releases[i].Revision == revision {
			return releasePath(revision)
		}
	}
	return ""
}

// tookText is how long a release took, or has taken so far.
func tookText(r *release.Release, now time.Time) string {
	took := lengthText(r.Took(now))
	if !r.Ended() {
		return took + " so far"
	}
	return took
}

// lengthText writes a length of time; a short one with its tenths of a second.
func lengthText(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return snapshot.Span(d)
}

// outcomeBadge is the outcome of a release, in a word.
func outcomeBadge(o state.ReleaseOutcome) badge {
	switch o {
	case state.ReleaseUnderWay:
		return badge{explain.ToneBusy, "under way", "it continues automatically"}
	case state.ReleaseHeld:
		return badge{explain.ToneWait, "held", "a guard, a window, a pause or a suspension holds it"}
	case state.ReleaseDone:
		return badge{explain.ToneOK, "done", "everything is live, and runs where its spec waits for that"}
	case state.ReleaseFailed:
		return badge{explain.ToneBad, "failed", "something needs a new revision or an operator"}
	case state.ReleaseOvertaken:
		return badge{explain.ToneCalm, "overtaken", "a newer revision came before it was done"}
	default:
		return badge{explain.ToneCalm, text.Visible(cmp.Or(string(o), "not known")), ""}
	}
}
