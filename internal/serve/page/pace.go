package page

import (
	"fmt"
	"html/template"

	"github.com/wedatasync/wedatasync/internal/serve/chart"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/text"
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
