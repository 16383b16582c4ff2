package config

import (
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/internal/secret"
)

// notify reads who receives which messages. Secrets are files, which are read when they
// are used.
func (c *reader) notify(n *yaml.Node, s *notify.Settings) {
	c.mapping(n, fields{
		"link":   func(value *yaml.Node) { s.Link = c.text(value) },
		"caFile": func(value *yaml.Node) { s.CAFile = c.text(value) },
		"forge": func(value *yaml.Node) {
			s.Forge = &forge.Config{}
			c.forge(value, s)
		},
		"channels": func(value *yaml.Node) {
			if value.Kind != yaml.SequenceNode {
				c.fail(value, "a list of channels is required")
				return
			}
			for i, item := range value.Content {
				c.at(index(i), func() { s.Channels = append(s.Channels, c.channel(item)) })
			}
		},
	})
}

// forge reads where commits get a status.
func (c *reader) forge(n *yaml.Node, s *notify.Settings) {
	c.mapping(n, fields{
		"kind":       func(value *yaml.Node) { s.Forge.Kind = forge.Kind(c.text(value)) },
		"url":        func(value *yaml.Node) { s.Forge.BaseURL = c.text(value) },
		"repository": func(value *yaml.Node) { s.Forge.Repository = c.text(value) },
		"tokenFile":  func(value *yaml.Node) { s.Forge.Token = c.secret(value) },
		"caFile":     func(value *yaml.Node) { s.Forge.CAFile = c.text(value) },
		"context":    func(value *yaml.Node) { s.Context = c.text(value) },
	})
}

func (c *reader) channel(n *yaml.Node) notify.Channel {
	var ch notify.Channel
	c.mapping(n, fields{
		"name":    func(value *yaml.Node) { ch.Name = c.text(value) },
		"kind":    func(value *yaml.Node) { ch.Kind = notify.ChannelKind(c.text(value)) },
		"urlFile": func(value *yaml.Node) { ch.URL = c.secret(value) },
		"keyFile": func(value *yaml.Node) { ch.Key = c.secret(value) },
		"topics": func(value *yaml.Node) {
			for _, topic := range c.texts(value) {
				ch.Topics = append(ch.Topics, notify.Topic(topic))
			}
		},
		"template": func(value *yaml.Node) { ch.Template = c.text(value) },
	})
	return ch
}

// secret reads the name of a file. An address in its place is one that somebody who
// knows it can write to.
func (c *reader) secret(n *yaml.Node) secret.Value {
	name := c.text(n)
	if strings.Contains(name, "://") {
		c.fail(n, "the name of a file is required: put the address into a file of its own")
		return secret.Value{}
	}
	return secret.File(name)
}
