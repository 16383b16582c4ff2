package explain

// Label names a task in a line of text: what people call it, and its id. Without a name
// it is the id.
func Label(name, id string) string {
	if name == "" {
		return id
	}
	return name + " (" + id + ")"
}
