package explain

import "github.com/wedatasync/wedatasync/reconcile/plan"

// Label names a task in a line of text: what people call it, and its id. Without a name
// it is the id.
func Label(name, id string) string {
	if name == "" {
		return id
	}
	return name + " (" + id + ")"
}

// named is the task of a change, with its project.
func named(c *plan.Change) string { return Label(c.Name(), c.Key.String()) }
