package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/internal/serve/access"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// MaxFile bounds a configuration file in bytes.
const MaxFile = 1 << 20

// File is the content of wedatasync.yaml: a value for any flag, by the flag's name in
// camel case, and the guards, the tokens and the receivers of messages, which have no flags.
type File struct {
	Values map[string]Value
	Guards plan.Guards
	Tokens []TokenSettings
	Notify notify.Settings
}

// Value is one setting of the file as text, with its place.
type Value struct {
	Text string
	Line int
}

// FileError is a place in the configuration file that cannot be used.
type FileError struct {
	File string
	Line int
	Err  error
}

func (e *FileError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap returns what is wrong.
func (e *FileError) Unwrap() error { return e.Err }

// UnknownSetting is the error of a name in the configuration file that no setting has. It
// repeats the name if it can be one: a secret in the wrong place has other
// characters. known are the names that there are.
func UnknownSetting(file string, line int, name string, known []string) error {
	return &FileError{File: file, Line: line, Err: unknown(name, known)}
}

func unknown(name string, known []string) error {
	if !nameable(name) {
		return errors.New("there is no such setting")
	}
	if guess := text.Closest(name, known); guess != "" {
		return fmt.Errorf("there is no setting %q here: did you mean %s?", name, guess)
	}
	return fmt.Errorf("there is no setting %q here", name)
}

// nameable reports whether the name can be one of a setting.
func nameable(name string) bool {
	const most = 40
	letter := func(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }
	return name != "" && len(name) <= most && strings.TrimFunc(name, letter) == ""
}

// Read reads a configuration file over the guards that hold without one. It
// returns every mistake, as [*FileError] joined, and what is none, if
// anything could be read at all.
func Read(name string, data []byte, guards plan.Guards) (*File, error) {
	c := &reader{file: name}
	if len(data) > MaxFile {
		return nil, &FileError{File: name, Line: 1, Err: fmt.Errorf("%d bytes, and %d is the most", len(data), MaxFile)}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, notYAML(name, err)
	}
	config := &File{Values: map[string]Value{}, Guards: guards}
	if doc.Kind == 0 {
		return config, nil // nothing in it
	}
	c.each(doc.Content[0], func(key string, value *yaml.Node) error {
		switch key {
		case "guards":
			c.guards(value, &config.Guards)
		case "tokens":
			c.tokens(value, config)
		case "notify":
			c.notify(value, &config.Notify)
		case "allowedHosts":
			config.Values[key] = Value{Text: strings.Join(c.texts(value), ","), Line: value.Line}
		default:
			config.Values[key] = Value{Text: c.text(value), Line: value.Line}
		}
		return nil
	})
	return config, errors.Join(c.errs...)
}

// notYAML finds the line in the error of the YAML library, and leaves out what that
// repeats.
func notYAML(file string, err error) error {
	text, line := strings.TrimPrefix(err.Error(), "yaml: "), 1
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if number, after, ok := strings.Cut(rest, ": "); ok {
			text = after
			line, _ = strconv.Atoi(number)
		}
	}
	if strings.Contains(text, "anchor") {
		text = "it has a * without its &"
	}
	return &FileError{File: file, Line: max(line, 1), Err: errors.New("not YAML: " + text)}
}

// reader walks the nodes by hand, as package spec does, so that each mistake
// has its line, and a key that is there twice is one. No complaint repeats a value: it
// may be a secret in the wrong place.
type reader struct {
	file string
	path []string // of the setting that is read, such as "guards", "windows", "[0]"
	errs []error
}

// fail notes a mistake, with the name of the setting that has it.
func (c *reader) fail(n *yaml.Node, format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if len(c.path) > 0 {
		err = fmt.Errorf("%s: %w", strings.ReplaceAll(strings.Join(c.path, "."), ".[", "["), err)
	}
	c.errs = append(c.errs, &FileError{File: c.file, Line: n.Line, Err: err})
}

// at reads what is at a step below the setting that is read.
func (c *reader) at(step string, read func()) {
	c.path = append(c.path, step)
	read()
	c.path = c.path[:len(c.path)-1]
}

// index is the step to an item of a list.
func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

// mapping calls known for each key, and complains where it returns false.
// fields reads the values of a mapping's keys, each by its name.
type fields map[string]func(value *yaml.Node)

// mapping reads a mapping whose keys are known, and returns which are set.
func (c *reader) mapping(n *yaml.Node, known fields) (given map[string]bool) {
	return c.each(n, func(key string, value *yaml.Node) error {
		read := known[key]
		if read == nil {
			return unknown(key, slices.Sorted(maps.Keys(known)))
		}
		read(value)
		return nil
	})
}

// each reads a mapping key by key. The error of a key is that nothing is called so.
func (c *reader) each(n *yaml.Node, read func(key string, value *yaml.Node) error) (given map[string]bool) {
	given = map[string]bool{}
	if n.Kind != yaml.MappingNode {
		c.fail(n, "a mapping of settings is required")
		return given
	}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			c.fail(key, "a name of a setting is required")
		case given[key.Value]:
			c.fail(key, "this is set twice")
		default:
			var err error
			if nameable(key.Value) {
				c.at(key.Value, func() { err = read(key.Value, value) })
			} else {
				err = read(key.Value, value)
			}
			if err != nil {
				c.errs = append(c.errs, &FileError{File: c.file, Line: key.Line, Err: err})
			}
		}
		given[key.Value] = true
	}
	return given
}

func (c *reader) text(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		c.fail(n, "a single value is required")
		return ""
	}
	return n.Value
}

func (c *reader) texts(n *yaml.Node) []string {
	if n.Kind != yaml.SequenceNode {
		c.fail(n, "a list is required")
		return nil
	}
	list := make([]string, 0, len(n.Content))
	for i, item := range n.Content {
		c.at(index(i), func() { list = append(list, c.text(item)) })
	}
	return list
}

func (c *reader) number(n *yaml.Node, most int) int {
	i, err := strconv.Atoi(c.text(n))
	if err != nil || i < 0 || i > most {
		c.fail(n, "a number from 0 to %d is required", most)
	}
	return i
}

// oneOf reads a value that is one of a few.
func (c *reader) oneOf(n *yaml.Node, values ...string) string {
	text := c.text(n)
	if !slices.Contains(values, text) {
		c.fail(n, "one of %s is required", strings.Join(values, ", "))
	}
	return text
}

func (c *reader) boolean(n *yaml.Node) bool {
	b, err := strconv.ParseBool(c.text(n))
	if err != nil {
		c.fail(n, "true or false is required")
	}
	return b
}

func (c *reader) guards(n *yaml.Node, g *plan.Guards) {
	const most = 1_000_000
	c.mapping(n, fields{
		"allowProjects":       func(value *yaml.Node) { g.AllowProjects = c.texts(value) },
		"allowTasks":          func(value *yaml.Node) { g.AllowTasks = c.texts(value) },
		"allowCommitTypes":    func(value *yaml.Node) { g.AllowCommitTypes = c.commitTypes(value) },
		"maxChanges":          func(value *yaml.Node) { g.MaxChanges = c.number(value, most) },
		"maxChangePercent":    func(value *yaml.Node) { g.MaxChangePercent = c.number(value, 100) },
		"windows":             func(value *yaml.Node) { g.Windows = c.windows(value) },
		"alreadyLive":         func(value *yaml.Node) { g.AdoptAlreadyLive = c.oneOf(value, "hold", "adopt") == "adopt" },
		"approverIsNotAuthor": func(value *yaml.Node) { g.ApproverIsNotAuthor = c.boolean(value) },
	})
}

func (c *reader) commitTypes(n *yaml.Node) []spec.CommitType {
	var types []spec.CommitType
	for i, text := range c.texts(n) {
		t, ok := spec.ParseCommitType(text)
		if !ok {
			c.fail(n.Content[i], "this is not a commitType, such as start")
		}
		types = append(types, t)
	}
	return types
}

// isTokenName reports whether a token may be called so: nothing that could be taken for more
// than a name in the history.
func isTokenName(name string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`).MatchString(name)
}

// tokens reads who may do what over HTTP.
func (c *reader) tokens(n *yaml.Node, config *File) {
	if n.Kind != yaml.SequenceNode {
		c.fail(n, "a list of tokens is required")
		return
	}
	for _, item := range n.Content {
		t, author := c.token(item)
		if slices.ContainsFunc(config.Tokens, func(other TokenSettings) bool { return other.Name == t.Name }) {
			c.fail(item, "another token has this name")
		}
		config.Tokens = append(config.Tokens, t)
		if author != "" {
			config.Guards.Authors = append(config.Guards.Authors, plan.Author{Actor: t.Name, Is: author})
		}
	}
}

// token reads a token, and as whom its bearer writes revisions.
func (c *reader) token(n *yaml.Node) (t TokenSettings, author string) {
	before := len(c.errs)
	c.mapping(n, fields{
		"name":      func(value *yaml.Node) { t.Name = c.text(value) },
		"tokenFile": func(value *yaml.Node) { t.File = c.text(value) },
		"verbs":     func(value *yaml.Node) { t.Verbs = c.verbs(value) },
		"author":    func(value *yaml.Node) { author = c.text(value) },
	})
	switch {
	case len(c.errs) > before:
	case !isTokenName(t.Name):
		c.fail(n, "a token needs a name for the history: letters, digits, - and _, at most 64")
	case t.File == "":
		c.fail(n, "this token needs its tokenFile")
	case len(t.Verbs) == 0:
		c.fail(n, "this token needs verbs, the operator actions that it allows, such as [retry, suspend]")
	}
	return t, author
}

func (c *reader) verbs(n *yaml.Node) []state.Verb {
	var verbs []state.Verb
	for i, text := range c.texts(n) {
		if !slices.Contains(access.Verbs(), state.Verb(text)) {
			c.fail(n.Content[i], "this is not a verb of a token: use one of %s", joined(access.Verbs()))
		}
		verbs = append(verbs, state.Verb(text))
	}
	return verbs
}
