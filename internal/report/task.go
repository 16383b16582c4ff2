package report

import "github.com/wedatasync/wedatasync/reconcile/plan"

// taskText names a task in a line of text; project is that of all tasks, or empty.
func taskText(c *plan.Change, project string) string {
	id := c.Key.String()
	if project != "" {
		id = c.Key.TaskID
	}
	if name := nameOf(c); name != "" {
		return Visible(id + " (" + name + ")")
	}
	return Visible(id)
}

// nameOf is what people call the task, or called it, if its spec says.
func nameOf(c *plan.Change) string {
	switch {
	case c.Want != nil:
		return c.Want.Name
	case c.Have != nil && c.Have.Applied != nil:
		return c.Have.Applied.Name
	default:
		return ""
	}
}

// task names a task in a row, and says where its spec is. Each stands on a line of
// its own: an id that is broken over two is hard to read.
func (g *page) task(c *plan.Change) string {
	s := codeSpan(c.Key.TaskID, maxID)
	if name := nameOf(c); name != "" {
		s += "<br>" + codeSpan(name, maxID)
	}
	if spec := g.spec(c); spec != "" {
		s += "<br>" + spec
	}
	if g.project == "" {
		s += "<br>project " + codeSpan(c.Key.ProjectID, maxID)
	}
	return s
}
