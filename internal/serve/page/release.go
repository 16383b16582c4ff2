package page

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/release"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// releaseTasks is how many tasks the page of a release names.
const releaseTasks = 200

// Links knows where the pages of others are. An address that it does not know is empty.
type Links interface {
	Commit(revision string) string               // in the forge
	Runs(revision string) string                 // of CI, for a commit
	File(revision, file string, line int) string // in the forge
	Task(key spec.Key) string                    // in the WeData console
}

// releasePage is all about one release.
type releasePage struct {
	frame
	badge
	Heading  string
	Says     string  // why it is not done; may be empty
	Left     []count // the tasks that are not as the revision says
	Commands []string
	Facts    []fact
	Stages   []count // of Tasks and More
	Tasks    []releaseTask
	More     int
	Cut      bool
}

// releaseTask is what happened to one task for a release.
type releaseTask struct {
	link
	badge
	Commit  string
	File    string
	FileURL string
	Sent    moment
	Sends   int
	Took    string // from the first event until it was live, or ran
	Answer  string
	Waits   []string
}

// releasePageOf builds the page of a release, but for its frame.
func releasePageOf(s *snapshot.Snapshot, r *release.Release, links Links) releasePage {
	p := releasePage{
		badge: outcomeBadge(r.Outcome), Says: whyNotDone(r), Left: leftOf(s, r), Facts: releaseFacts(s, r, links), Cut: r.Cut,
	}
	p.Heading = text.Visible(r.Subject)
	if p.Heading == "" {
		p.Heading = "Release " + text.Visible(snapshot.Short(r.Revision))
	}
	if now := s.Plan(); r.Guard != "" && r.Outcome == state.ReleaseHeld && now.Source.Revision == r.Revision {
		for _, h := range now.Holds {
			if h.Approvable && h.Guard == r.Guard {
				p.Commands = []string{explain.ApproveCommand(now)}
			}
		}
	}
	counted := map[string]int{} // by label
	for i := range r.Tasks {
		counted[explain.OfStage(r.Tasks[i].Stage, r.Tasks[i].Outcome).Label]++
		if i < releaseTasks {
			p.Tasks = append(p.Tasks, releaseTaskOf(s, r, &r.Tasks[i], links))
		}
	}
	for _, info := range stages() {
		if n := counted[info.Label]; n > 0 {
			p.Stages = append(p.Stages, count{badge: badgeFor(info), N: n})
		}
	}
	p.More = len(r.Tasks) - len(p.Tasks) + r.MoreTasks
	return p
}

// whyNotDone says what holds the release, or has overtaken it.
func whyNotDone(r *release.Release) string {
	switch {
	case r.Guard != "":
		return "Held by " + text.Visible(r.Guard) + ": " + text.Visible(r.Why)
	case r.OvertakenBy != "":
		return "Overtaken by revision " + text.Visible(snapshot.Short(r.OvertakenBy))
	default:
		return ""
	}
}

// leftOf counts the tasks that are not as the revision says by state, those that require
// action first. Those of the newest revision lead to their tasks.
func leftOf(s *snapshot.Snapshot, r *release.Release) []count {
	var counts []count
	add := func(st explain.State, n int) {
		c := count{badge: badgeOf(st), N: n}
		if s.Plan().Source.Revision == r.Revision {
			c.Href = tasksQuery{state: st}.path()
		}
		counts = append(counts, c)
	}
	known := map[string]bool{}
	for _, i := range explain.States() {
		known[string(i.State)] = true
		if n := r.Left[string(i.State)]; n > 0 {
			add(i.State, n)
		}
	}
	for _, st := range slices.Sorted(maps.Keys(r.Left)) {
		if !known[st] {
			counts = append(counts, count{badge: badge{Tone: explain.ToneCalm, Label: text.Visible(strings.ReplaceAll(st, "-", " "))}, N: r.Left[st]})
		}
	}
	return counts
}

func releaseFacts(s *snapshot.Snapshot, r *release.Release, links Links) []fact {
	author, committer := text.Visible(authorName(r.Author)), text.Visible(authorName(r.Committer))
	if committer == author {
		committer = ""
	}
	facts := []fact{{Name: "Revision", Text: text.Visible(r.Revision), Code: true, Href: links.Commit(r.Revision)}}
	facts = append(facts, given(
		fact{Name: "CI", Text: linkText(links.Runs(r.Revision), "runs of this commit"), Href: links.Runs(r.Revision)},
		fact{Name: "Author", Text: author},
		fact{Name: "Committer", Text: committer},
		fact{Name: "Approved by", Text: r.Approver},
	)...)
	for _, at := range []struct {
		name string
		at   time.Time
	}{{"Committed", r.CommittedAt}, {"First seen", r.SeenAt}, {"Passed the guards", r.StartedAt}, {"Ended", r.EndedAt}} {
		if !at.at.IsZero() {
			facts = append(facts, fact{Name: at.name, When: momentOf(at.at, s.Now)})
		}
	}
	facts = append(facts, fact{Name: "Took", Text: tookText(r, s.Now)}, fact{Name: "Asked for", Text: r.AskedFor()},
		fact{Name: "Sent", Text: text.PluralGrouped(r.Sent(), "request")})
	if r.PlanHash != "" {
		facts = append(facts, fact{Name: "Plan", Text: report.ShortHash(r.PlanHash), Code: true})
	}
	if r.OvertakenBy != "" {
		facts = append(facts, fact{Name: "Overtaken by", Text: text.Visible(snapshot.Short(r.OvertakenBy)), Code: true, Href: releasePath(r.OvertakenBy)})
	}
	return facts
}

// linkText is the text of a link; empty without an address.
func linkText(address, words string) string {
	if address == "" {
		return ""
	}
	return words
}

func releaseTaskOf(s *snapshot.Snapshot, r *release.Release, t *release.Task, links Links) releaseTask {
	name := text.Visible(t.Name)
	if name == "" {
		name = s.Name(t.Key, nil)
	}
	row := releaseTask{
		link: linkTo(t.Key, name), badge: badgeFor(explain.OfStage(t.Stage, t.Outcome)), Commit: text.Visible(explain.Version(t.CommitType, t.InstanceVersion)),
		Sent: momentOf(t.SentAt, s.Now), Sends: t.Requests, FileURL: links.File(r.Revision, t.File, t.Line),
	}
	if t.File != "" {
		row.File = text.Visible(fmt.Sprintf("%s:%d", t.File, t.Line))
	}
	if end := t.EndedAt(); !end.IsZero() {
		row.Took = lengthText(end.Sub(t.BeganAt))
	}
	if t.Outcome.Class != state.ClassApplied {
		row.Answer = text.Visible(explain.Answer(t.Outcome))
	}
	for _, w := range t.Waits {
		row.Waits = append(row.Waits, waitedText(w, s.Now))
	}
	return row
}

// waitedText says what a task waited for, and for how long.
func waitedText(w release.Wait, now time.Time) string {
	what := text.Visible(w.What())
	if w.Until.IsZero() {
		return "waits: " + what + " for " + snapshot.Span(now.Sub(w.Since))
	}
	return "waited: " + what + " for " + snapshot.Span(w.Until.Sub(w.Since))
}

// stages lists what the stages of tasks make of them, those that require action first.
func stages() []explain.Info {
	all := explain.States()
	for _, st := range []state.Stage{state.StageLive, state.StageRunning, state.StageDropped} {
		all = append(all, explain.OfStage(st, state.Outcome{}))
	}
	return all
}
