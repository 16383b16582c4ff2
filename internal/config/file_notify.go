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
	c.mapping(n, func(key string, value *yaml.Node) bool {
		switch key {
		case "link":
			s.Link = c.text(value)
		case "caFile":
			s.CAFile = c.text(value)
		case "forge":
			s.Forge = &forge.Config{}
			c.forge(value, s)
		case "channels":
			if value.Kind != yaml.SequenceNode {
				c.fail(value, "a list of channels is required")
				return true
			}
			for i, item := range value.Content {
				c.at(index(i), func() { s.Channels = append(s.Channels, c.channel(item)) })
			}
		default:
			return false
		}
		return true
	})
}

// forge reads where commits get a status.
func (c *reader) forge(n *yaml.Node, s *notify.Settings) {
	c.mapping(n, func(key string, value *yaml.Node) bool {
		switch key {
		case "kind":
			s.Forge.Kind = forge.Kind(c.text(value))
		case "url":
			s.Forge.BaseURL = c.text(value)
		case "repository":
			s.Forge.Repository = c.text(value)
		case "tokenFile":
			s.Forge.Token = c.secret(value)
		case "caFile":
			s.Forge.CAFile = c.text(value)
		case "context":
			s.Context = c.text(value)
		default:
			return false
		}
		return true
	})
}

func (c *reader) channel(n *yaml.Node) notify.Channel {
	var ch notify.Channel
	c.mapping(n, func(key string, value *yaml.Node) bool {
		switch key {
		case "name":
			ch.Name = c.text(value)
		case "kind":
			ch.Kind = notify.ChannelKind(c.text(value))
		case "urlFile":
			ch.URL = c.secret(value)
		case "keyFile":
			ch.Key = c.secret(value)
		case "topics":
			for _, topic := range c.texts(value) {
				ch.Topics = append(ch.Topics, notify.Topic(topic))
			}
		case "template":
			ch.Template = c.text(value)
		default:
			return false
		}
		return true
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
