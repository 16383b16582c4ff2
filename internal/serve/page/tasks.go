package page

import (
	"iter"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/serve/tasklist"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// pageRows is how many tasks are on one page of the list.
	pageRows = 100
	// maxQuery bounds what is searched for, in bytes.
	maxQuery = 200
	// maxFile bounds the name of a file, in bytes.
	maxFile = 4096
)

// tasksPage is the list of all tasks.
type tasksPage struct {
	frame
	Query    string
	File     string // empty: of any file
	Standing explain.State
	Choices  []choice
	Rows     []taskRow
	Found    int
	From, To int // of the rows on this page, from 1
	Previous string
	Next     string
	Note     string
	Unknown  bool // before the first plan
}

// choice is a state that the list can be narrowed to.
type choice struct {
	Value    explain.State
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
	key     spec.Key
	want    *spec.Commit   // nil if it has no usable spec
	task    *tasklist.Task // nil if the state does not have it
	change  *plan.Change   // nil if it is in sync, or skipped
	skipped *plan.Skipped  // nil if it has a usable spec
}

// name is what people call the task.
func (e *entry) name() string {
	switch {
	case e.want != nil:
		return text.Visible(e.want.Name)
	case e.change != nil:
		return text.Visible(e.change.Name())
	case e.task != nil:
		return text.Visible(e.task.Name)
	default:
		return ""
	}
}

// entries yields every task once, in order of key.
func entries(tasks []tasklist.Task, p *plan.Plan) iter.Seq[entry] {
	changes, skipped, wanted := p.Changes, p.Skipped, p.Wanted
	return func(yield func(entry) bool) {
		for len(tasks) > 0 || len(changes) > 0 || len(skipped) > 0 {
			var e entry
			first := true
			least := func(key spec.Key) {
				if first || key.Compare(e.key) < 0 {
					e.key, first = key, false
				}
			}
			if len(tasks) > 0 {
				least(tasks[0].Key)
			}
			if len(changes) > 0 {
				least(changes[0].Key)
			}
			if len(skipped) > 0 {
				least(skipped[0].Key)
			}
			if len(tasks) > 0 && tasks[0].Key == e.key {
				e.task, tasks = &tasks[0], tasks[1:]
			}
			if len(changes) > 0 && changes[0].Key == e.key {
				e.change, changes = &changes[0], changes[1:]
			}
			if len(skipped) > 0 && skipped[0].Key == e.key {
				e.skipped, skipped = &skipped[0], skipped[1:]
			}
			for len(wanted) > 0 && wanted[0].Key.Compare(e.key) < 0 {
				wanted = wanted[1:]
			}
			if len(wanted) > 0 && wanted[0].Key == e.key {
				e.want = wanted[0]
			}
			if !yield(e) {
				return
			}
		}
	}
}

// entryState returns the state of the task of an entry.
func entryState(s *snapshot.Snapshot, e entry) explain.State {
	ts, _ := s.Task(e.key, e.change)
	if ts == explain.InSync && e.task != nil {
		switch {
		case e.task.Removed:
			return explain.Removed
		case e.task.Accepted:
			return explain.Accepted
		case e.task.Status == state.StatusNone:
			return explain.Suspended
		}
	}
	return ts
}

// oneProject reports whether all tasks are of the same project.
func oneProject(s *snapshot.Snapshot, all *tasklist.List) bool {
	switch d := s.Digest; {
	case all.Projects == 0:
		return d.Projects == 1
	case d.Projects == 0:
		return all.Projects == 1
	default:
		return all.Projects == 1 && d.Projects == 1 && all.Project == d.Project
	}
}

// tasksQuery narrows the list, and selects a page of it.
type tasksQuery struct {
	text  string        // in the name or an id; empty: any
	file  string        // of the spec; empty: any
	state explain.State // empty: any
	page  int           // from 1
}

// tasksQueryOf reads a query. It ignores values that are not valid.
func tasksQueryOf(v url.Values) tasksQuery {
	q := tasksQuery{text: strings.TrimSpace(v.Get("q")), state: explain.State(v.Get("standing"))}
	if len(q.text) > maxQuery || !utf8.ValidString(q.text) {
		q.text = ""
	}
	if q.file = v.Get("file"); len(q.file) > maxFile {
		q.file = ""
	}
	var err error
	if q.page, err = strconv.Atoi(v.Get("page")); err != nil || q.page < 1 {
		q.page = 1
	}
	return q
}

// path is the path of a page of the list.
func (q tasksQuery) path() string {
	v := url.Values{}
	if q.text != "" {
		v.Set("q", q.text)
	}
	if q.file != "" {
		v.Set("file", q.file)
	}
	if q.state != "" {
		v.Set("standing", string(q.state))
	}
	if q.page > 1 {
		v.Set("page", strconv.Itoa(q.page))
	}
	if len(v) == 0 {
		return "/tasks"
	}
	return "/tasks?" + v.Encode()
}

// at returns the same query for another page.
func (q tasksQuery) at(page int) tasksQuery { q.page = page; return q }

func tasksPageOf(s *snapshot.Snapshot, all *tasklist.List, q tasksQuery) tasksPage {
	p := tasksPage{Query: q.text, File: q.file, Standing: q.state, Choices: choices(q.state), Unknown: s.Status.Plan == nil}
	if all.Err != nil {
		p.Note = snapshot.ErrorText(all.Err)
	}
	first := (min(q.page, 1<<30) - 1) * pageRows
	lower := strings.ToLower(q.text)
	for e := range entries(all.Tasks, s.Plan()) {
		if lower != "" && !contains(e.key, lower) && !strings.Contains(strings.ToLower(e.name()), lower) {
			continue
		}
		if q.file != "" && e.file() != q.file {
			continue
		}
		if q.state != "" && entryState(s, e) != q.state {
			continue
		}
		if p.Found >= first && len(p.Rows) < pageRows {
			p.Rows = append(p.Rows, taskRowOf(s, e))
		}
		p.Found++
	}
	if len(p.Rows) > 0 {
		p.From, p.To = first+1, first+len(p.Rows)
	}
	if q.page > 1 {
		p.Previous = q.at(q.page - 1).path()
	}
	if p.To > 0 && p.To < p.Found {
		p.Next = q.at(q.page + 1).path()
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

func choices(selected explain.State) []choice {
	list := []choice{{"", "all tasks", selected == ""}}
	for _, i := range explain.States() {
		list = append(list, choice{i.State, i.Label, selected == i.State})
	}
	return list
}

func taskRowOf(s *snapshot.Snapshot, e entry) taskRow {
	ts := entryState(s, e)
	_, rec := s.Task(e.key, e.change)
	row := taskRow{link: linkTo(e.key, e.name()), badge: badgeOf(ts), Version: versionsText(e), Why: s.Why(ts, e.key, e.change, rec)}
	if e.task != nil && e.task.At != 0 {
		row.Changed = momentOf(time.UnixMilli(e.task.At), s.Now)
	}
	return row
}

// versionsText is the applied version and, if another one is wanted, that.
func versionsText(e entry) string {
	have := "–"
	if e.task != nil && e.task.At != 0 {
		have = versionText(e.task.Version)
	}
	if e.change != nil && e.change.Want != nil && e.change.Action != plan.ActionUnversioned {
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

// fieldRow is one difference between a spec and what was applied.
type fieldRow struct {
	Name, Before, After string
}

func fieldRows(c *plan.Change) []fieldRow {
	if c == nil {
		return nil
	}
	var rows []fieldRow
	for _, f := range c.Fields {
		row := fieldRow{Name: text.Visible(f.Name), Before: fieldValue(f.Before, f.Secret), After: fieldValue(f.After, f.Secret)}
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
		return text.Visible(v)
	case int64:
		return strconv.FormatInt(v, 10)
	default:
		return "masked"
	}
}
