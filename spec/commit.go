package spec

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/wedatasync/wedatasync/internal/text"
)

// commitFields are the keys of a commit, and what reads their values as they come. Those
// without a function are read when the others are known.
var commitFields = [...]struct {
	key  string
	read func(r *reader, n *yaml.Node, c *Commit)
}{
	{"taskId", func(r *reader, n *yaml.Node, c *Commit) { c.TaskID = r.taskID(n) }},
	{"projectId", func(r *reader, n *yaml.Node, c *Commit) { c.ProjectID = r.projectID(n) }},
	{"name", func(r *reader, n *yaml.Node, c *Commit) { c.Name = r.name(n) }},
	{"commitType", func(r *reader, n *yaml.Node, c *Commit) { c.CommitType, _ = r.commitType(n) }},
	{"taskType", func(r *reader, n *yaml.Node, c *Commit) { c.TaskType = r.taskType(n) }},
	{"instanceVersion", func(r *reader, n *yaml.Node, c *Commit) { c.InstanceVersion = r.number(n, "instanceVersion") }},
	{"versionDesc", func(r *reader, n *yaml.Node, c *Commit) { c.VersionDesc = r.filled(n, "versionDesc", MaxText) }},
	{"eventDesc", func(r *reader, n *yaml.Node, c *Commit) { c.EventDesc = r.filled(n, "eventDesc", MaxText) }},
	{"extConfig", nil},
	{"dependsOn", nil},
	{"suspend", func(r *reader, n *yaml.Node, c *Commit) { c.Suspend = r.boolean(n, "suspend") }},
	{"discardState", nil},
	{"rerun", func(r *reader, n *yaml.Node, c *Commit) { c.Rerun = r.filled(n, "rerun", MaxID) }},
	{"wait", nil},
}

// commitKeys are the keys in that order.
var commitKeys = func() (keys [len(commitFields)]string) {
	for i, f := range commitFields {
		keys[i] = f.key
	}
	return keys
}()

// commit reads a sound mapping into c. What is wrong is reported; the identity is
// set if it could be read all the same.
func (r *reader) commit(n *yaml.Node, d defaults, c *Commit) {
	c.ProjectID, c.TaskType, c.CommitType = d.projectID, d.taskType, d.commitType
	var values [len(commitKeys)]*yaml.Node
	given := func(key string) *yaml.Node { return values[slices.Index(commitKeys[:], key)] }
	typed := d.hasCommitType // the commit type is known
	for key, value := range r.fields(n, commitKeys[:]) {
		i := slices.Index(commitKeys[:], key)
		values[i] = value
		errors := r.errors
		if read := commitFields[i].read; read != nil {
			read(r, value, c)
		}
		if key == "commitType" {
			typed = r.errors == errors
		}
	}
	if given("taskId") == nil {
		r.missing(n, "taskId", "add it")
	}
	if given("projectId") == nil && c.ProjectID == "" {
		r.missing(n, "projectId", "add it, or set it in defaults")
	}
	if given("commitType") == nil && !typed {
		r.missing(n, "commitType", "add one of "+enumerate(commitTypeNames[:])+", or set it in defaults")
	}
	if ext := given("extConfig"); ext != nil {
		c.ExtConfig = r.extConfig(ext)
	}
	if depends := given("dependsOn"); depends != nil {
		c.DependsOn = r.dependsOn(depends, c.Key)
	}
	if typed && (given("instanceVersion") == nil || c.InstanceVersion != 0) {
		r.discardState(n, given("discardState"), c)
	}
	r.waiting(given("wait"), !typed || c.CommitType.Runs(), d, c)
}

// waiting reads what a task that runs has to become after the commit, or takes the
// default.
func (r *reader) waiting(n *yaml.Node, runs bool, d defaults, c *Commit) {
	if n == nil {
		if runs {
			c.Wait = d.wait
		}
		return
	}
	if c.Wait = r.wait(n); c.Wait != (Wait{}) && !runs {
		r.errorf(n, "wait-without-run", "a task that is only submitted does not run: remove wait, or use another commitType than %s", c.CommitType)
	}
}

// maxTaskName bounds what people call a task, in characters.
const maxTaskName = 256

// name reads what people call the task: one line that can be seen.
func (r *reader) name(n *yaml.Node) string {
	name := r.filled(n, "name", maxTaskName)
	if name == TaskName(name) {
		return name
	}
	r.errorf(n, "bad-name", "name must be one line of characters that can be seen, without spaces around it: correct it")
	return ""
}

// TaskName makes of other people's name of a task one that a spec can have; of one that it
// can have, the same.
func TaskName(s string) string {
	s = strings.Map(func(c rune) rune {
		if text.Hidden(c) || isControl(c) || isBidi(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, " "))
	if isLonger(s, maxTaskName) {
		s = string([]rune(s)[:maxTaskName])
	}
	return strings.TrimSpace(s)
}

// missing reports that a commit lacks a key, unless a mistyped one was reported.
func (r *reader) missing(n *yaml.Node, key, what string) {
	if !r.guessed(key) {
		r.errorf(n, "missing-key", "the commit has no %s: %s", key, what)
	}
}

// discardState checks that the loss of a job's state is asked for in so many
// words, once for each version: discardState must repeat the instanceVersion.
func (r *reader) discardState(n, discard *yaml.Node, c *Commit) {
	var said int64
	if discard != nil {
		said = r.number(discard, "discardState")
		n = discard
	}
	switch {
	case c.CommitType != RestartDiscardState:
		if said != 0 {
			r.warnf(n, "discard-state-unused", "discardState has no effect with commitType %s: remove it", c.CommitType)
		}
	case discard != nil && said == 0:
		// Said already.
	case c.InstanceVersion == 0:
		r.errorf(n, "discard-state", "commitType %s discards the state of the job and needs an instanceVersion, and discardState with the same number", c.CommitType)
	case said == 0:
		r.errorf(n, "discard-state", "commitType %s discards the state of the job: write discardState: %d if that is meant for this version, else use another commitType", c.CommitType, c.InstanceVersion)
	case said != c.InstanceVersion:
		r.errorf(n, "discard-state-differs", "discardState is for another version: write discardState: %d if the state of the job is to be discarded for this one, too", c.InstanceVersion)
	default:
		c.DiscardState = said
	}
}

// extConfig reads a list of {name, value}, or a mapping.
func (r *reader) extConfig(n *yaml.Node) []Param {
	if n.Kind == yaml.MappingNode {
		var params []Param
		for i := 0; i < len(n.Content); i += 2 {
			params = append(params, r.param(n.Content[i], n.Content[i+1]))
		}
		return params
	}
	if !r.isKind(n, yaml.SequenceNode, "extConfig", "a list of {name, value}, or a mapping") || !r.isShort(n, "extConfig") {
		return nil
	}
	var params []Param
	seen := make(map[string]int, len(n.Content))
	for _, item := range n.Content {
		if !r.isMapping(item, "an entry of extConfig") {
			continue
		}
		var name, value *yaml.Node
		for key, v := range r.fields(item, paramKeys[:]) {
			if key == "name" {
				name = v
			} else {
				value = v
			}
		}
		if name == nil || value == nil {
			if len(r.guesses) == 0 {
				r.errorf(item, "missing-key", "an entry of extConfig needs a name and a value")
			}
			continue
		}
		p := r.param(name, value)
		if line := seen[p.Name]; line != 0 && p.Name != "" {
			r.errorf(name, "duplicate-param", "extConfig has %s twice, first in line %d: remove one", quote(p.Name), line)
		}
		seen[p.Name] = name.Line
		params = append(params, p)
	}
	return params
}

func (r *reader) param(name, value *yaml.Node) Param {
	p := Param{Name: r.filled(name, "a name in extConfig", MaxText)}
	r.checkLookAlike(name, "extConfig", p.Name)
	p.Value, _ = r.text(value, "extConfig "+quote(p.Name), MaxText)
	return p
}

// dependsOn reads a list of tasks: ids of the same project, or projectId/taskId.
func (r *reader) dependsOn(n *yaml.Node, of Key) []Key {
	if !r.isList(n, "dependsOn") || !r.isShort(n, "dependsOn") {
		return nil
	}
	var keys []Key
	seen := make(map[Key]bool, len(n.Content))
	for _, item := range n.Content {
		text := r.id(item, "a task in dependsOn", MaxID+1+MaxID)
		if text == "" {
			continue
		}
		k := Key{of.ProjectID, text}
		project, task, qualified := strings.Cut(text, "/")
		if qualified {
			k = Key{project, task}
		}
		switch {
		case k.TaskID == "" || qualified && k.ProjectID == "" || isLonger(k.ProjectID, MaxID) || isLonger(k.TaskID, MaxID):
			r.errorf(item, "bad-dependency", "%s in dependsOn names no task: write a taskId of the same project, or projectId/taskId", quote(text))
		case k == of:
			r.errorf(item, "dependency-cycle", "the task depends on itself: remove it from its dependsOn")
		case seen[k]:
			r.errorf(item, "duplicate-dependency", "dependsOn names %s twice: remove one", quote(text))
		default:
			seen[k] = true
			keys = append(keys, k)
		}
	}
	return keys
}

// isShort reports whether a list inside a commit has no more entries than a
// mapping may have keys.
func (r *reader) isShort(n *yaml.Node, what string) bool {
	if len(n.Content) <= maxKeys {
		return true
	}
	r.errorf(n, "too-many-entries", "%s has %d entries, at most %d are allowed", what, len(n.Content), maxKeys)
	return false
}

// commit writes a commit as one item of a list.
func (w *formatter) commit(c *Commit, project string) {
	fmt.Fprintf(w, "  - taskId: %s\n", quoted(c.TaskID))
	if c.ProjectID != project {
		w.text("projectId", c.ProjectID)
	}
	w.text("name", c.Name)
	fmt.Fprintf(w, "    commitType: %s\n", c.CommitType)
	if c.TaskType != 0 {
		fmt.Fprintf(w, "    taskType: %s\n", c.TaskType)
	}
	w.number("instanceVersion", c.InstanceVersion)
	w.number("discardState", c.DiscardState)
	w.text("versionDesc", c.VersionDesc)
	w.text("eventDesc", c.EventDesc)
	w.text("rerun", c.Rerun)
	w.wait(&c.Wait)
	if c.Suspend {
		w.WriteString("    suspend: true\n")
	}
	w.list("dependsOn", len(c.DependsOn), func(i int) string { return quoted(c.DependsOn[i].String()) })
	w.list("extConfig", len(c.ExtConfig), func(i int) string {
		return "name: " + quoted(c.ExtConfig[i].Name) + "\n        value: " + quoted(c.ExtConfig[i].Value)
	})
}
