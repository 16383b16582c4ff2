package app

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
)

// MaxConfig bounds a configuration file in bytes.
const MaxConfig = 1 << 20

// Config is what wedatasync.yaml says: a value for any flag, by the flag's name in
// camel case, and the guards, the tokens and who is told what, which have no flags.
type Config struct {
	Values map[string]Value
	Guards reconcile.Guards
	Tokens []TokenSettings
	Notify notify.Settings
}

// Value is one setting of the file as text, with its place.
type Value struct {
	Text string
	Line int
}

// ConfigError is a place in the configuration file that cannot be used.
type ConfigError struct {
	File string
	Line int
	Err  error
}

func (e *ConfigError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap returns what is wrong.
func (e *ConfigError) Unwrap() error { return e.Err }

// UnknownSetting says that the configuration file has a name that is none of a
// setting. It repeats the name if it can be one: a secret in the wrong place has other
// characters.
func UnknownSetting(file string, line int, name string) error {
	return &ConfigError{File: file, Line: line, Err: unknown(name)}
}

func unknown(name string) error {
	const most = 40
	letter := func(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }
	if name == "" || len(name) > most || strings.TrimFunc(name, letter) != "" {
		return errors.New("there is no such setting")
	}
	return fmt.Errorf("there is no setting %q here", name)
}

// ReadConfig reads a configuration file over the guards that hold without one. It
// returns every mistake, as ConfigErrors joined, and beside them what is none, if
// anything could be read at all.
func ReadConfig(name string, data []byte, guards reconcile.Guards) (*Config, error) {
	c := &configReader{file: name}
	if len(data) > MaxConfig {
		return nil, &ConfigError{File: name, Line: 1, Err: fmt.Errorf("%d bytes, and %d is the most", len(data), MaxConfig)}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, notYAML(name, err)
	}
	config := &Config{Values: map[string]Value{}, Guards: guards}
	if doc.Kind == 0 {
		return config, nil // nothing in it
	}
	c.mapping(doc.Content[0], func(key string, value *yaml.Node) bool {
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
		return true
	})
	return config, errors.Join(c.errs...)
}

// notYAML finds the line in what the YAML library says, and leaves out what it
// repeats.
func notYAML(file string, err error) error {
	words, line := strings.TrimPrefix(err.Error(), "yaml: "), 1
	if rest, ok := strings.CutPrefix(words, "line "); ok {
		if number, after, ok := strings.Cut(rest, ": "); ok {
			words = after
			line, _ = strconv.Atoi(number)
		}
	}
	if strings.Contains(words, "anchor") {
		words = "it has a * without its &"
	}
	return &ConfigError{File: file, Line: max(line, 1), Err: errors.New("not YAML: " + words)}
}

// configReader walks the nodes by hand, as package spec does, so that each mistake
// has its line, and a key that is there twice is one. No complaint repeats a value: it
// may be a secret in the wrong place.
type configReader struct {
	file string
	errs []error
}

func (c *configReader) fail(n *yaml.Node, format string, args ...any) {
	c.errs = append(c.errs, &ConfigError{File: c.file, Line: n.Line, Err: fmt.Errorf(format, args...)})
}

// mapping calls known for each key, and complains where it returns false.
func (c *configReader) mapping(n *yaml.Node, known func(key string, value *yaml.Node) bool) {
	if n.Kind != yaml.MappingNode {
		c.fail(n, "a mapping of settings is needed")
		return
	}
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			c.fail(key, "a name of a setting is needed")
		case seen[key.Value]:
			c.fail(key, "this is set twice")
		case !known(key.Value, value):
			c.errs = append(c.errs, UnknownSetting(c.file, key.Line, key.Value))
		}
		seen[key.Value] = true
	}
}

func (c *configReader) text(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		c.fail(n, "a single value is needed")
		return ""
	}
	return n.Value
}

func (c *configReader) texts(n *yaml.Node) []string {
	if n.Kind != yaml.SequenceNode {
		c.fail(n, "a list is needed")
		return nil
	}
	list := make([]string, 0, len(n.Content))
	for _, item := range n.Content {
		list = append(list, c.text(item))
	}
	return list
}

func (c *configReader) number(n *yaml.Node, most int) int {
	i, err := strconv.Atoi(c.text(n))
	if err != nil || i < 0 || i > most {
		c.fail(n, "a number from 0 to %d is needed", most)
	}
	return i
}

// oneOf reads a value that is one of a few.
func (c *configReader) oneOf(n *yaml.Node, values ...string) string {
	text := c.text(n)
	if !slices.Contains(values, text) {
		c.fail(n, "one of %s is needed", strings.Join(values, ", "))
	}
	return text
}

func (c *configReader) boolean(n *yaml.Node) bool {
	b, err := strconv.ParseBool(c.text(n))
	if err != nil {
		c.fail(n, "true or false is needed")
	}
	return b
}

func (c *configReader) guards(n *yaml.Node, g *reconcile.Guards) {
	const most = 1_000_000
	c.mapping(n, func(key string, value *yaml.Node) bool {
		switch key {
		case "allowProjects":
			g.AllowProjects = c.texts(value)
		case "allowTasks":
			g.AllowTasks = c.texts(value)
		case "allowCommitTypes":
			g.AllowCommitTypes = c.commitTypes(value)
		case "maxChanges":
			g.MaxChanges = c.number(value, most)
		case "maxChangePercent":
			g.MaxChangePercent = c.number(value, 100)
		case "windows":
			g.Windows = c.windows(value)
		case "alreadyLive":
			g.AdoptAlreadyLive = c.oneOf(value, "hold", "adopt") == "adopt"
		case "approverIsNotAuthor":
			g.ApproverIsNotAuthor = c.boolean(value)
		default:
			return false
		}
		return true
	})
}

func (c *configReader) commitTypes(n *yaml.Node) []spec.CommitType {
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

func (c *configReader) windows(n *yaml.Node) []reconcile.Window {
	if n.Kind != yaml.SequenceNode {
		c.fail(n, "a list of windows is needed")
		return nil
	}
	var windows []reconcile.Window
	for _, item := range n.Content {
		windows = append(windows, c.window(item))
	}
	return windows
}

func (c *configReader) window(n *yaml.Node) reconcile.Window {
	w := reconcile.Window{Location: time.UTC, To: 24 * time.Hour}
	c.mapping(n, func(key string, value *yaml.Node) bool {
		switch key {
		case "name":
			w.Name = c.text(value)
		case "timezone":
			w.Location = c.location(value)
		case "days":
			w.Days = c.days(value)
		case "from":
			w.From = c.clock(value)
		case "to":
			w.To = c.clock(value)
		case "start":
			w.Start = c.time(value)
		case "end":
			w.End = c.time(value)
		default:
			return false
		}
		return true
	})
	switch {
	case w.Name == "":
		c.fail(n, "a window needs a name, to be known by when it holds a plan")
	case w.Start.IsZero() != w.End.IsZero():
		c.fail(n, "this window has only one of start and end")
	case !w.Start.IsZero() && !w.Start.Before(w.End):
		c.fail(n, "this window ends before it starts")
	}
	return w
}

func (c *configReader) location(n *yaml.Node) *time.Location {
	loc, err := time.LoadLocation(c.text(n))
	if err != nil {
		c.fail(n, "this is not a time zone, such as Asia/Shanghai")
		return time.UTC
	}
	return loc
}

func (c *configReader) days(n *yaml.Node) []time.Weekday {
	var days []time.Weekday
	for i, text := range c.texts(n) {
		day, ok := weekday(text)
		if !ok {
			c.fail(n.Content[i], "this is not a day of the week, such as sat")
		}
		days = append(days, day)
	}
	return days
}

// weekday reads a day by its name or the first three letters of it.
func weekday(text string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		name := strings.ToLower(day.String())
		if text := strings.ToLower(text); text == name || text == name[:3] {
			return day, true
		}
	}
	return 0, false
}

// clock reads a time of day, "00:00" to "24:00".
func (c *configReader) clock(n *yaml.Node) time.Duration {
	text := c.text(n)
	if text == "24:00" {
		return 24 * time.Hour
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		c.fail(n, "this is not a time of day, such as 18:00")
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}

func (c *configReader) time(n *yaml.Node) time.Time {
	t, err := time.Parse(time.RFC3339, c.text(n))
	if err != nil {
		c.fail(n, "this is not a time, such as 2026-12-24T18:00:00+08:00")
	}
	return t
}
