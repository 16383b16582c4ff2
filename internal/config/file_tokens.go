package config

import (
	"regexp"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/wedatasync/wedatasync/internal/serve/access"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// tokenName is what a token may be called: nothing that could be taken for more than a
// name in the history.
var tokenName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// tokens reads who may do what over HTTP.
func (c *reader) tokens(n *yaml.Node, config *File) {
	if n.Kind != yaml.SequenceNode {
		c.fail(n, "a list of tokens is needed")
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
	c.mapping(n, func(key string, value *yaml.Node) bool {
		switch key {
		case "name":
			t.Name = c.text(value)
		case "tokenFile":
			t.File = c.text(value)
		case "verbs":
			t.Verbs = c.verbs(value)
		case "author":
			author = c.text(value)
		default:
			return false
		}
		return true
	})
	switch {
	case len(c.errs) > before:
	case !tokenName.MatchString(t.Name):
		c.fail(n, "a token needs a name of letters, digits, - and _, at most 64, to be known by in the history")
	case t.File == "":
		c.fail(n, "this token needs its tokenFile")
	case len(t.Verbs) == 0:
		c.fail(n, "this token needs verbs: what it is good for, such as [retry, suspend]")
	}
	return t, author
}

func (c *reader) verbs(n *yaml.Node) []state.Verb {
	var verbs []state.Verb
	for i, text := range c.texts(n) {
		if !slices.Contains(access.Verbs(), state.Verb(text)) {
			c.fail(n.Content[i], "this is no verb of a token: they are %s", words(access.Verbs()))
		}
		verbs = append(verbs, state.Verb(text))
	}
	return verbs
}
