package page

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/serve/tasklist"
	"github.com/wedatasync/wedatasync/internal/text"
)

// fileRows is how many files are on one page.
const fileRows = 50

// filesPage is the files with specs, and how their tasks stand.
type filesPage struct {
	frame
	Query    string
	Rows     []fileRow
	Found    int
	From, To int // of the rows on this page, from 1
	Previous string
	Next     string
	Unknown  bool // before the first plan
}

// fileRow is one file.
type fileRow struct {
	Name   string
	Href   string // of the list of its tasks
	Tasks  int
	Counts []count // of the states that its tasks are in, those that need an operator first
	Bar    []segment
}

// file counts the tasks of one file.
type file struct {
	name    string
	tasks   int
	states  []stateCount // few
	urgency int          // 0 with a task that requires action, 1 with one that waits, else 2
}

// stateCount is how many tasks of a file are in a state.
type stateCount struct {
	state explain.State
	n     int
}

// add counts a task.
func (f *file) add(st explain.State) {
	f.tasks++
	for i := range f.states {
		if f.states[i].state == st {
			f.states[i].n++
			return
		}
	}
	f.states = append(f.states, stateCount{st, 1})
	switch st.Info().Tone {
	case explain.ToneBad:
		f.urgency = 0
	case explain.ToneWait:
		f.urgency = min(f.urgency, 1)
	}
}

// count returns how many tasks are in the state.
func (f *file) count(st explain.State) int {
	for _, c := range f.states {
		if c.state == st {
			return c.n
		}
	}
	return 0
}

// filesQuery selects files, and a page of them.
type filesQuery struct {
	text string // in the name; empty: any
	page int    // from 1
}

func filesQueryOf(v url.Values) filesQuery {
	q := tasksQueryOf(v)
	return filesQuery{q.text, q.page}
}

func (q filesQuery) path(page int) string {
	v := url.Values{}
	if q.text != "" {
		v.Set("q", q.text)
	}
	if page > 1 {
		v.Set("page", strconv.Itoa(page))
	}
	if len(v) == 0 {
		return "/files"
	}
	return "/files?" + v.Encode()
}

// filesPageOf builds the page of the files, but for its frame.
func filesPageOf(s *snapshot.Snapshot, all *tasklist.List, q filesQuery) filesPage {
	p := filesPage{Query: q.text, Unknown: s.Status.Plan == nil}
	files := filesOf(s, all, strings.ToLower(q.text))
	p.Found = len(files)
	first := (min(q.page, 1<<30) - 1) * fileRows
	files = least(files, first+fileRows)
	for _, f := range files[min(first, len(files)):min(first+fileRows, len(files))] {
		p.Rows = append(p.Rows, fileRowOf(f))
	}
	if len(p.Rows) > 0 {
		p.From, p.To = first+1, first+len(p.Rows)
	}
	if q.page > 1 {
		p.Previous = q.path(q.page - 1)
	}
	if p.To > 0 && p.To < p.Found {
		p.Next = q.path(q.page + 1)
	}
	return p
}

// filesOf counts the tasks by file, of those that have lower in their names.
func filesOf(s *snapshot.Snapshot, all *tasklist.List, lower string) []*file {
	by := map[string]*file{}
	for e := range entries(all.Tasks, s.Plan()) {
		name := e.file()
		if name == "" || lower != "" && !strings.Contains(strings.ToLower(name), lower) {
			continue
		}
		f := by[name]
		if f == nil {
			f = &file{name: name, urgency: 2}
			by[name] = f
		}
		f.add(entryState(s, e))
	}
	return slices.Collect(maps.Values(by))
}

// compare puts the files with tasks that require action first, then those with tasks that
// wait, each by name.
func (f *file) compare(other *file) int {
	return cmp.Or(cmp.Compare(f.urgency, other.urgency), strings.Compare(f.name, other.name))
}

// least returns the first n of the files, in order. Of the first pages, which people look at,
// it does not sort the rest.
func least(files []*file, n int) []*file {
	if n > 10*fileRows {
		slices.SortFunc(files, (*file).compare)
		return files[:min(n, len(files))]
	}
	var first []*file
	for _, f := range files {
		if len(first) == n && f.compare(first[n-1]) > 0 {
			continue
		}
		i, _ := slices.BinarySearchFunc(first, f, (*file).compare)
		first = slices.Insert(first, i, f)
		first = first[:min(len(first), n)]
	}
	return first
}

// file is the file of the task's spec; empty if nothing says.
func (e *entry) file() string {
	if e.want != nil {
		return e.want.Pos.File
	}
	if e.skipped != nil {
		return e.skipped.Problem.File
	}
	if e.change == nil {
		return ""
	}
	if e.change.Want != nil {
		return e.change.Want.Pos.File
	}
	if have := e.change.Have; have != nil && have.Attempt != nil {
		return have.Attempt.File
	}
	return ""
}

func fileRowOf(f *file) fileRow {
	row := fileRow{Name: text.Visible(f.name), Tasks: f.tasks, Href: tasksQuery{file: f.name}.path()}
	counts := []count{{badgeOf(explain.InSync), f.count(explain.InSync), tasksQuery{file: f.name, state: explain.InSync}.path()}}
	for _, i := range explain.States() {
		if n := f.count(i.State); n > 0 && i.State != explain.InSync {
			counts = append(counts, count{badgeOf(i.State), n, tasksQuery{file: f.name, state: i.State}.path()})
		}
	}
	row.Bar = bar(counts)
	if counts[0].N == 0 {
		counts = counts[1:]
	}
	row.Counts = counts
	return row
}
