package spec

import (
	"bytes"
	"errors"
	"io"

	"gopkg.in/yaml.v3"
)

// Reparse is [Parse], and says the same, at the cost of what is not as it was in old,
// an earlier version of the file, or nil. Of a large file only those commits of a list
// and those documents are parsed that are new. The others are the ones of old, or
// copies if they stand in another line now.
func Reparse(old *File, name string, data []byte) *File {
	return reparse(old, name, data, largeFile, largeDocument)
}

// reparse is Reparse where a file is large from that many bytes, and a document.
func reparse(old *File, name string, data []byte, large, largeDocument int) *File {
	size := len(data)
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	r := &reader{file: &File{Name: name, Size: size}}
	if p := checkText(name, data); p != nil {
		r.report(*p)
		r.unusable = true
		return r.finish()
	}
	var l layout
	if len(data) >= large {
		l, r.large = layoutOf(data, largeDocument)
	}
	if r.large && old != nil && old.Name == name && old.outline != nil {
		p := &piecewise{data: data, known: knownOf(old), sums: newSummer()}
		p.file = &File{Name: name, Size: size}
		if p.read(&l) {
			p.file.outline = &outline{p.pieces}
			return p.finish()
		}
	}
	r.documents(data)
	if r.large && !r.unusable {
		r.file.outline = l.outline(data, r.made)
	}
	return r.finish()
}

// piecewise reads a file of which it knows some pieces. It parses the others for
// themselves, and shifts them to where they stand. As soon as one is not exactly what
// the layout shows it gives up: then the file has to be parsed as a whole.
type piecewise struct {
	reader
	data   []byte
	known  *known
	sums   *summer
	pieces []piece // read so far
}

// read reads the documents.
func (p *piecewise) read(l *layout) bool {
	p.file.Commits = make([]*Commit, 0, len(p.known.file.Commits)+len(l.documents)/8+len(l.items)/8)
	p.pieces = make([]piece, 0, len(l.documents)+len(l.items))
	items := l.items
	for i, d := range l.documents {
		stop := end(l.documents, i, len(p.data))
		if d.items == 0 && !p.document(d, stop) || d.items > 0 && !p.list(d, items[:d.items], stop) {
			return false
		}
		items = items[d.items:]
	}
	return !p.unusable
}

// document reads a document that is one piece.
func (p *piecewise) document(d extent, stop int) bool {
	text := p.data[d.at:stop]
	p.sums.documents()
	sum := p.sums.sum(text)
	if i, ok := p.known.find(sum); ok {
		p.take(i, sum, d.line)
		return true
	}
	doc, ok := parseAt(d.line, text)
	if !ok {
		return false
	}
	m := p.reader.document(doc)
	p.pieces = append(p.pieces, m.piece(sum, d.line))
	return !p.unusable
}

// list reads a document whose list is in pieces. What comes before is parsed with the
// first of them.
func (p *piecewise) list(d extent, items []extent, stop int) bool {
	doc, ok := parseAt(d.line, p.data[d.at:end(items, 0, stop)])
	if !ok {
		return false
	}
	errors := p.errors
	list, defaults := p.head(doc, doc.Content[0])
	if list == nil || p.errors > errors {
		return false
	}
	p.sums.items(defaults)
	sums := make([]sum, len(items))
	for i := range items {
		sums[i] = p.sums.sum(p.data[items[i].at:end(items, i, stop)])
	}
	if !p.items(list, defaults, items[:1], sums) {
		return false
	}
	next := 1 // of the items to read
	for i := 1; i <= len(items); i++ {
		at, ok := 0, false
		if i < len(items) {
			if at, ok = p.known.find(sums[i]); !ok {
				continue
			}
		}
		if next < i && !p.some(defaults, items[next:i], sums[next:i], end(items, i-1, stop)) {
			return false
		}
		if ok {
			p.take(at, sums[i], items[i].line)
		}
		next = i + 1
	}
	return true
}

// some parses items that are not known.
func (p *piecewise) some(d defaults, items []extent, sums []sum, stop int) bool {
	text := append([]byte("commits:\n"), p.data[items[0].at:stop]...)
	doc, ok := parseAt(items[0].line-1, text)
	return ok && p.items(lastValue(doc), d, items, sums)
}

// items reads the items of a list, if they are where they should be.
func (p *piecewise) items(list *yaml.Node, d defaults, items []extent, sums []sum) bool {
	if list == nil || list.Kind != yaml.SequenceNode || len(list.Content) != len(items) {
		return false
	}
	for i, n := range list.Content {
		m := p.item(n, d)
		if !m.begins(items[i], p.data) {
			return false
		}
		p.pieces = append(p.pieces, m.piece(sums[i], items[i].line))
	}
	return true
}

// take takes over a piece.
func (p *piecewise) take(i int, s sum, line int32) {
	was := p.known.was[i]
	for _, c := range p.known.commits(i) {
		if by := line - was.line; by != 0 {
			c = new(*c)
			c.Pos.Line += int(by)
		}
		p.file.Commits = append(p.file.Commits, c)
	}
	p.pieces = append(p.pieces, piece{s, line, was.commits})
}

// parseAt parses a text of one document that begins in that line of a file.
func parseAt(line int32, text []byte) (doc *yaml.Node, ok bool) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	doc = new(yaml.Node)
	if decode(dec, doc) != nil || !errors.Is(decode(dec, new(yaml.Node)), io.EOF) {
		return nil, false
	}
	shift(doc, int(line)-1)
	return doc, true
}

// lastValue returns the value of the last key of a document, or nil.
func lastValue(doc *yaml.Node) *yaml.Node {
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode || len(root.Content) == 0 {
		return nil
	}
	return root.Content[len(root.Content)-1]
}

// shift moves a node and all below it down by lines.
func shift(n *yaml.Node, lines int) {
	n.Line += lines
	for _, child := range n.Content {
		shift(child, lines)
	}
}
