package serve

import (
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// pageRows is how many tasks are on one page of the list.
	pageRows = 100
	// maxQuery bounds what is searched for, in bytes.
	maxQuery = 200
)

// tasksPage is the list of all tasks.
type tasksPage struct {
	frame
	Query    string
	Standing standing
	Choices  []choice
	Rows     []taskRow
	Found    int
	From, To int // of the rows on this page, from 1
	Previous string
	Next     string
	Note     string
	Unknown  bool // before the first plan
}

// choice is a standing that the list can be narrowed to.
type choice struct {
	Value    standing
	Label    string
	Selected bool
}

type taskRow struct {
	link
	badge
	Version string
	Why     string
	Changed moment
}

// entry is one task of the list: from the state, the plan, or both.
type entry struct {
	key    spec.Key
	task   *task             // nil if the state does not have it
	change *reconcile.Change // nil if it is as its spec says
}

// entries yields every task once, in order of key.
func entries(tasks []task, changes []reconcile.Change) iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for len(tasks) > 0 || len(changes) > 0 {
			var e entry
			order := 0
			switch {
			case len(tasks) == 0:
				order = 1
			case len(changes) == 0:
				order = -1
			default:
				order = tasks[0].key.Compare(changes[0].Key)
			}
			if order <= 0 {
				e.task, e.key, tasks = &tasks[0], tasks[0].key, tasks[1:]
			}
			if order >= 0 {
				e.change, e.key, changes = &changes[0], changes[0].Key, changes[1:]
			}
			if !yield(e) {
				return
			}
		}
	}
}

// stands says how the task of an entry stands.
func (l *look) stands(e entry) standing {
	s, _ := l.standing(e.key, e.change)
	if s == standInSync && e.task != nil {
		switch {
		case e.task.removed:
			return standRemoved
		case e.task.accepted:
			return standAccepted
		case e.task.status == state.StatusNone:
			return standSuspended
		}
	}
	return s
}

// serveTasks answers with a page of the list.
func (s *Server) serveTasks(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	query := strings.TrimSpace(v.Get("q"))
	if len(query) > maxQuery || !utf8.ValidString(query) {
		query = ""
	}
	number, err := strconv.Atoi(v.Get("page"))
	if err != nil || number < 1 {
		number = 1
	}
	l := s.look()
	all := s.catalog.get(r.Context())
	page := l.tasksPage(all, query, standing(v.Get("standing")), number)
	page.frame = s.frame("Tasks", "/tasks", l)
	page.OneProject = l.oneProject(all)
	s.show(w, r, http.StatusOK, "tasks", page)
}

func (l *look) tasksPage(all *listing, query string, s standing, number int) tasksPage {
	p := tasksPage{Query: query, Standing: s, Choices: choices(s), Unknown: l.status.Plan == nil}
	if all.err != nil {
		p.Note = errorText(all.err)
	}
	first := (min(number, 1<<30) - 1) * pageRows
	lower := strings.ToLower(query)
	for e := range entries(all.tasks, l.plan().Changes) {
		if lower != "" && !contains(e.key, lower) {
			continue
		}
		if s != "" && l.stands(e) != s {
			continue
		}
		if p.Found >= first && len(p.Rows) < pageRows {
			p.Rows = append(p.Rows, l.taskRow(e))
		}
		p.Found++
	}
	if len(p.Rows) > 0 {
		p.From, p.To = first+1, first+len(p.Rows)
	}
	if number > 1 {
		p.Previous = tasksPath(query, s, number-1)
	}
	if p.To > 0 && p.To < p.Found {
		p.Next = tasksPath(query, s, number+1)
	}
	return p
}

// contains reports whether the name of the task has lower in it, in any case.
func contains(key spec.Key, lower string) bool {
	if strings.Contains(lower, "/") {
		return strings.Contains(strings.ToLower(key.String()), lower)
	}
	return strings.Contains(strings.ToLower(key.TaskID), lower) || strings.Contains(strings.ToLower(key.ProjectID), lower)
}

func choices(selected standing) []choice {
	list := []choice{{"", "all tasks", selected == ""}}
	for _, i := range standings() {
		list = append(list, choice{i.standing, i.label, selected == i.standing})
	}
	return list
}

func (l *look) taskRow(e entry) taskRow {
	s := l.stands(e)
	_, rec := l.standing(e.key, e.change)
	row := taskRow{link: linkTo(e.key), badge: badgeOf(s), Version: versionsText(e), Why: l.why(s, e.change, rec)}
	if e.task != nil && e.task.at != 0 {
		row.Changed = momentOf(time.UnixMilli(e.task.at), l.now)
	}
	return row
}

// versionsText says what is applied and, if that is something else, what is wanted.
func versionsText(e entry) string {
	have := "–"
	if e.task != nil && e.task.at != 0 {
		have = versionText(e.task.version)
	}
	if e.change != nil && e.change.Want != nil && e.change.Action != reconcile.ActionUnversioned {
		if want := versionText(e.change.Want.InstanceVersion); want != have {
			return have + " → " + want
		}
	}
	return have
}

func versionText(v int64) string {
	if v == 0 {
		return "none"
	}
	return strconv.FormatInt(v, 10)
}

// tasksPath is the path of a page of the list.
func tasksPath(query string, s standing, number int) string {
	v := url.Values{}
	if query != "" {
		v.Set("q", query)
	}
	if s != "" {
		v.Set("standing", string(s))
	}
	if number > 1 {
		v.Set("page", strconv.Itoa(number))
	}
	if len(v) == 0 {
		return "/tasks"
	}
	return "/tasks?" + v.Encode()
}

// fieldRow is one difference between a spec and what was applied.
type fieldRow struct {
	Name, Before, After string
}

func fieldRows(c *reconcile.Change) []fieldRow {
	if c == nil {
		return nil
	}
	var rows []fieldRow
	for _, f := range c.Fields {
		row := fieldRow{Name: report.Visible(f.Name), Before: fieldValue(f.Before, f.Secret), After: fieldValue(f.After, f.Secret)}
		if f.Secret && row.Before == row.After {
			row.After += ", changed"
		}
		rows = append(rows, row)
	}
	return rows
}

// fieldValue shows a value; that of extConfig only as being there.
func fieldValue(v any, secret bool) string {
	switch v := v.(type) {
	case nil:
		return "–"
	case string:
		if secret {
			return "masked"
		}
		return report.Visible(v)
	case int64:
		return strconv.FormatInt(v, 10)
	default:
		return "masked"
	}
}
