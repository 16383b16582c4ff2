package spec

import (
	"slices"
	"unique"

	"gopkg.in/yaml.v3"

	"github.com/wedatasync/wedatasync/internal/text"
)

// apiVersion is what every document says it is written in.
const apiVersion = "wedatasync/v1"

// The keys of the mappings of a document.
var (
	documentKeys = [...]string{"apiVersion", "defaults", "commits"}
	defaultsKeys = [...]string{"projectId", "taskType", "commitType", "wait"}
	paramKeys    = [...]string{"name", "value"}
	waitKeys     = [...]string{"status", "lag", "restarts", "for", "timeout"}
)

// defaults are what the commits of a document need not say themselves.
type defaults struct {
	projectID     string // empty if not given
	taskType      TaskType
	commitType    CommitType
	hasCommitType bool
	wait          Wait
}

// document reads one document. What is wrong with the document itself makes the
// whole file unusable; what is wrong inside a commit, only that commit.
func (r *reader) document(doc *yaml.Node) {
	errors := r.errors
	list, d := r.head(doc, doc.Content[0])
	if r.errors > errors {
		r.unusable = true
	}
	if list == nil {
		return
	}
	r.file.Commits = slices.Grow(r.file.Commits, len(list.Content))
	for _, n := range list.Content {
		r.item(n, d)
	}
}

// head reads a document but for its commits, whose list it returns, or nil.
func (r *reader) head(doc, root *yaml.Node) (list *yaml.Node, d defaults) {
	if isNull(root) {
		r.errorf(doc, "empty-document", "the document is empty: write specs into it, or remove its \"---\" line")
		return nil, d
	}
	if !r.sound(root, 1) || !r.isMapping(root, "the document") || !r.version(root) {
		return nil, d
	}
	var given *yaml.Node
	for key, value := range r.fields(root, documentKeys[:]) {
		switch key {
		case "defaults":
			given = value
		case "commits":
			list = value
		}
	}
	if list == nil && !r.guessed("commits") {
		r.errorf(root, "missing-key", "the document has no commits: write \"commits: []\" if there are none")
	}
	if given != nil && r.tree(given, 2) && r.isMapping(given, "defaults") {
		d = r.defaults(given)
	}
	if list == nil || !r.sound(list, 2) || !r.isList(list, "commits") {
		return nil, d
	}
	return list, d
}

// version checks that the document says it is a spec, and in which version.
func (r *reader) version(root *yaml.Node) bool {
	for i := 0; i < len(root.Content); i += 2 {
		if root.Content[i].Value != "apiVersion" {
			continue
		}
		value := root.Content[i+1]
		if !r.tree(value, 2) {
			return false
		}
		if value.Kind == yaml.ScalarNode && value.Value == apiVersion {
			return true
		}
		r.errorf(value, "api-version", "apiVersion must be %s: correct it, or name the file in .wedatasyncignore if it is not a spec", apiVersion)
		return false
	}
	for i := 0; i < len(root.Content); i += 2 {
		if key := root.Content[i]; text.Closest(key.Value, documentKeys[:1]) != "" {
			r.unknown(key, documentKeys[:])
			return false
		}
	}
	r.errorf(root, "api-version", "the document does not say apiVersion: %s: add it, or name the file in .wedatasyncignore if it is not a spec", apiVersion)
	return false
}

// defaults reads the mapping of that name.
func (r *reader) defaults(n *yaml.Node) (d defaults) {
	for key, value := range r.fields(n, defaultsKeys[:]) {
		switch key {
		case "projectId":
			d.projectID = r.projectID(value)
		case "taskType":
			d.taskType = r.taskType(value)
		case "commitType":
			d.commitType, d.hasCommitType = r.commitType(value)
		case "wait":
			d.wait = r.wait(value)
		}
	}
	return d
}

// item reads one commit and files it as usable, broken or not even named.
func (r *reader) item(n *yaml.Node, d defaults) {
	errors := r.errors
	c := new(Commit)
	if r.tree(n, 3) {
		if r.isMapping(n, "a commit") {
			r.commit(n, d, c)
		}
	} else {
		c.Key = identity(n, d)
	}
	c.Pos = r.pos(n)
	switch {
	case r.errors == errors:
		c.shareTexts(func(s string) string { return unique.Make(s).Value() })
		r.file.Commits = append(r.file.Commits, c)
	case c.TaskID != "" && c.ProjectID != "":
		r.file.Broken = append(r.file.Broken, Named{c.Key, c.Pos})
	default:
		r.file.Unread = true
	}
}

// identity finds which task an unsound item names, if it names one without doubt.
func identity(n *yaml.Node, d defaults) Key {
	if n.Kind != yaml.MappingNode || n.Style&yaml.TaggedStyle != 0 {
		return Key{}
	}
	quiet := newReader(new(File))
	k := Key{ProjectID: d.projectID}
	tasks, projects := 0, 0
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || value.Style&yaml.TaggedStyle != 0 {
			return Key{}
		}
		switch key.Value {
		case "taskId":
			k.TaskID = quiet.taskID(value)
			tasks++
		case "projectId":
			k.ProjectID = quiet.projectID(value)
			projects++
		case "<<":
			return Key{} // another id may come with it
		}
	}
	if tasks != 1 || projects > 1 || quiet.errors > 0 {
		return Key{}
	}
	return k
}
