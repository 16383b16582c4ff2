package spec

import (
	"iter"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/wedatasync/wedatasync/internal/text"
)

// nodeReader reads single nodes, and complains about what they should not be.
type nodeReader struct {
	complaints
	guesses []string // what the unknown keys of the mapping read last were meant to be
}

// sound checks what holds for every node whatever it stands for, its children
// aside: no anchors, aliases and explicit tags, which let a value come from
// somewhere else or be something else than it looks; bounded nesting; and keys
// that are plain, few and different. It reports the first fault.
func (r *nodeReader) sound(n *yaml.Node, depth int) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		r.errorf(n, "alias", "aliases (*name) are not used in specs: write the value out")
	case n.Anchor != "":
		r.errorf(n, "anchor", "anchors (&name) are not used in specs: write the value without it")
	case n.Style&yaml.TaggedStyle != 0:
		r.errorf(n, "tag", "tags (such as !!str) are not used in specs: remove it; quote a value to make it text")
	case n.Kind != yaml.ScalarNode && depth > maxNesting:
		r.errorf(n, "nesting", "this is nested more than %d deep: no spec needs that; correct the brackets or indentation", maxNesting)
	case n.Kind == yaml.MappingNode:
		return r.soundKeys(n)
	default:
		return true
	}
	return false
}

// tree checks that the node and all below it are sound.
func (r *nodeReader) tree(n *yaml.Node, depth int) bool {
	if !r.sound(n, depth) {
		return false
	}
	for _, child := range n.Content {
		if !r.tree(child, depth+1) {
			return false
		}
	}
	return true
}

func (r *nodeReader) soundKeys(n *yaml.Node) bool {
	if keys := len(n.Content) / 2; keys > maxKeys {
		r.errorf(n, "too-many-keys", "this mapping has %d keys, at most %d are allowed", keys, maxKeys)
		return false
	}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind == yaml.MappingNode || key.Kind == yaml.SequenceNode:
			r.errorf(key, "wrong-type", "a key must be text, not %s", kind(key))
			return false
		case !r.sound(key, 0):
			return false
		case key.Tag == "!!merge":
			r.errorf(key, "merge-key", "merge keys (<<) are not used in specs: write the keys out")
			return false
		}
		for j := 0; j < i; j += 2 {
			if first := n.Content[j]; first.Value == key.Value {
				r.errorf(key, "duplicate-key", "%s is given twice, first in line %d: remove one", quote(key.Value), first.Line)
				return false
			}
		}
	}
	return true
}

// fields yields the values of the known keys of a sound mapping, and reports
// the other keys.
func (r *nodeReader) fields(n *yaml.Node, known []string) iter.Seq2[string, *yaml.Node] {
	r.guesses = r.guesses[:0]
	return func(yield func(string, *yaml.Node) bool) {
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i]
			if !slices.Contains(known, key.Value) {
				r.unknown(key, known)
			} else if !yield(key.Value, n.Content[i+1]) {
				return
			}
		}
	}
}

// unknown reports a key that is none of the known ones.
func (r *nodeReader) unknown(key *yaml.Node, known []string) {
	if guess := text.Closest(key.Value, known); guess != "" {
		r.guesses = append(r.guesses, guess)
		r.errorf(key, "unknown-key", "there is no key %s here: did you mean %s?", quote(key.Value), guess)
		return
	}
	r.errorf(key, "unknown-key", "there is no key %s here: remove it, or use one of %s", quote(key.Value), enumerate(known))
}

// guessed reports whether an unknown key of the mapping read last was probably
// meant to be this one.
func (r *nodeReader) guessed(key string) bool { return slices.Contains(r.guesses, key) }

func (r *nodeReader) isMapping(n *yaml.Node, what string) bool {
	return r.isKind(n, yaml.MappingNode, what, "a mapping (key: value)")
}

func (r *nodeReader) isList(n *yaml.Node, what string) bool {
	return r.isKind(n, yaml.SequenceNode, what, "a list (- item)")
}

func (r *nodeReader) isScalar(n *yaml.Node, what string) bool {
	return r.isKind(n, yaml.ScalarNode, what, "one value")
}

func (r *nodeReader) isKind(n *yaml.Node, want yaml.Kind, what, wanted string) bool {
	switch {
	case isNull(n):
		r.errorf(n, "no-value", "%s has no value: write one, or remove it", what)
	case n.Kind != want:
		r.errorf(n, "wrong-type", "%s must be %s, not %s", what, wanted, kind(n))
	default:
		return true
	}
	return false
}

// isNull reports whether the node is written as nothing, ~ or null.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// kind says what a node is. A value is not repeated: it may be one of extConfig, and a
// secret.
func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "one value"
	}
}

// enumerate writes "a, b or c".
func enumerate(words []string) string {
	last := len(words) - 1
	if last <= 0 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
