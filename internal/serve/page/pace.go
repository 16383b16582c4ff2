package page

import (
	"fmt"
	"html/template"

	"github.com/wedatasync/wedatasync/internal/serve/chart"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
)

// paceOver is over how many seconds the pace is said in words.
const paceOver = 10

// paceOf draws how many commits left in each of the last seconds, and says it in words.
// Without that knowledge it returns nothing.
func paceOf(s *snapshot.Snapshot) (picture template.HTML, words string) {
	whole := s.Recent
	if len(whole) > 0 {
		whole = whole[:len(whole)-1] // the last second goes on
	}
	first := 0 // the first second with a commit
	for first < len(whole) && whole[first] == 0 {
		first++
	}
	last := whole[max(first, len(whole)-paceOver):]
	if len(last) == 0 {
		return "", ""
	}
	sum := 0
	for _, n := range last {
		sum += n
	}
	words = fmt.Sprintf("%.1f commits a second in the last %s; the limit is %g a second", float64(sum)/float64(len(last)), snapshot.Plural(len(last), "second"), s.Rate)
	return chart.Pace{
		Seconds: whole, Limit: s.Rate, Title: fmt.Sprintf("Commits in each of the last %d seconds", len(whole)), Desc: words,
	}.Columns(), words
}
