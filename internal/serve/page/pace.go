package page

import (
	"fmt"
	"html/template"

	"github.com/wedatasync/wedatasync/internal/serve/chart"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/follow"
	"github.com/wedatasync/wedatasync/state"
)

// paceOf draws how many commits left in each of the last seconds, and says it in words.
// Without that knowledge it returns nothing.
func paceOf(s *snapshot.Snapshot) (picture template.HTML, words string) {
	whole := s.Recent
	if len(whole) > 0 {
		whole = whole[:len(whole)-1] // the last second goes on
	}
	if len(whole) == 0 {
		return "", ""
	}
	sum := 0
	for _, n := range whole {
		sum += n
	}
	words = fmt.Sprintf("%s in the last full second, %s in the last minute; at most %g a second (dashed line)",
		text.PluralGrouped(whole[len(whole)-1], "request"), text.Grouped(sum), s.Rate)
	return chart.Pace{Seconds: whole, Limit: s.Rate, Title: "Requests in each second of the last minute", Desc: words}.Columns(), words
}

// followView is how a job has gone since its start.
type followView struct {
	Picture template.HTML
	Words   string
}

// followOf draws what reads have shown of the job since its commit, and says it in words; nil
// where its wait asks for no more than that it runs.
func followOf(rec *state.Record) *followView {
	if rec == nil || rec.Applied == nil || rec.Applied.Run == nil || len(rec.Applied.Run.Observations) == 0 {
		return nil
	}
	seen := rec.Applied.Run.Observations
	picture := chart.Follow{Title: "Lag and restarts since the commit"}
	if h := rec.Applied.Healthy; h != nil {
		picture.Bound = h.Lag
	}
	lag, before := int64(state.Untold), int64(state.Untold)
	for _, o := range seen {
		l := chart.Look{After: (o.At - seen[0].At) / 1000, Lag: o.Lag}
		if o.Lag != state.Untold {
			lag = o.Lag
		}
		if o.Restarts != state.Untold {
			l.Restarted = before != state.Untold && o.Restarts > before
			before = o.Restarts
		}
		picture.Looks = append(picture.Looks, l)
	}
	words, and := "WeData does not report its lag", ", which"
	if lag != state.Untold {
		words, and = "The lag was "+follow.Seconds(lag)+" in the last read", ", and"
	}
	if picture.Bound > 0 {
		words += and + " has to be less than " + follow.Seconds(picture.Bound) + " (dashed line)"
	}
	switch restarts, told := follow.Restarts(seen); {
	case !told:
		words += "; WeData does not report its restarts"
	case restarts == 0:
		words += "; no restarts"
	default:
		words += "; " + text.PluralGrouped(int(restarts), "restart") + " (marks below)"
	}
	picture.Desc = words + "."
	return &followView{picture.Draw(), picture.Desc}
}
