package report

import "github.com/wedatasync/wedatasync/reconcile/plan"

// taskText names a task in a line of text; project is that of all tasks, or empty.
func taskText(c *plan.Change, project string) string {
	if project != "" {
		return Visible(c.Key.TaskID)
	}
	return Visible(c.Key.String())
}

// task names a task in a row, and says where its spec is. Each stands on a line of
// its own: an id that is broken over two is hard to read.
func (g *page) task(c *plan.Change) string {
	s := codeSpan(c.Key.TaskID, maxID)
	if spec := g.spec(c); spec != "" {
		s += "<br>" + spec
	}
	if g.project == "" {
		s += "<br>project " + codeSpan(c.Key.ProjectID, maxID)
	}
	return s
}
