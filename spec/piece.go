package spec

import (
	"bytes"
	"hash"
	"slices"

	"golang.org/x/crypto/blake2b"
)

// What it takes to be remembered in pieces, in bytes: anything smaller is soon parsed.
const (
	largeFile     = 64 << 10
	largeDocument = 16 << 10 // of a large file, to be more than one piece
	leastPiece    = 24       // on average
)

// sum tells pieces apart: no two texts have the same one, even if somebody looks for
// them. A zero sum is that of no text.
type sum [20]byte

// outline is what a file keeps of its text: the pieces that it is made of, in order.
// Together they have all of its commits.
type outline struct{ pieces []piece }

// piece is a part of a file that is parsed the same whatever stands around it: one
// item of a document's list of commits, or a whole document.
type piece struct {
	sum     sum   // zero if there was a complaint, which it takes the text to make again
	line    int32 // where it begins
	commits int32 // how many it has
}

// layout is how the text of a file can be cut into pieces, as far as its lines tell.
// They do not tell for sure: a quoted text may hold what looks like the beginning of
// a commit. Who parses the pieces has to check that they are what they look like.
type layout struct {
	documents []extent
	items     []extent
}

// extent is where a part of a file begins. A document ends where the next begins, an
// item where the next of its document does, or its document.
type extent struct {
	at    int32 // byte
	line  int32
	items int32 // of a document: how many pieces its list has; 0 if it is one piece
}

// layoutOf looks how a text can be cut into pieces. It is careful: where lines could
// mean anything else than they do in a file as people write it, there is no layout.
func layoutOf(data []byte, large int) (l layout, ok bool) {
	if bytes.IndexByte(data, '\t') >= 0 || bytes.IndexByte(data, '\r') >= 0 || hasKeyIndicator(data) {
		return l, false
	}
	s := cutter{layout: &l, data: data, large: large}
	s.begin(0, 1)
	line := 0
	for at := 0; at < len(data); {
		line++
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i
		}
		if !s.row(data[at:end], at, line) || len(l.documents)+len(l.items) > 8+len(data)/leastPiece {
			return l, false
		}
		at = end + 1
	}
	s.end(len(data))
	return l, true
}

// hasKeyIndicator reports whether the text may have a "? " that announces a key: the
// place of a value that is missing there depends on what comes after the piece.
func hasKeyIndicator(data []byte) bool {
	for rest := data; ; {
		i := bytes.IndexByte(rest, '?')
		if i < 0 {
			return false
		}
		before := len(data) - len(rest) + i - 1
		if (before < 0 || data[before] == ' ' || data[before] == '\n') && (i+1 == len(rest) || rest[i+1] == ' ' || rest[i+1] == '\n') {
			return true
		}
		rest = rest[i+1:]
	}
}

// cutter cuts a text into pieces.
type cutter struct {
	*layout
	data   []byte
	large  int  // bytes of a document that is cut into items
	begun  bool // the document has more than comments
	list   bool // its list of commits has begun
	indent int  // of the list's dashes; -1 before the first
	first  int  // of the document's items
	odd    bool // the document is not cut into items
}

func (c *cutter) begin(at, line int) {
	c.documents = append(c.documents, extent{at: int32(at), line: int32(line)})
	c.begun, c.list, c.indent, c.odd, c.first = false, false, -1, false, len(c.items)
}

// end ends the document before that byte.
func (c *cutter) end(at int) {
	d := &c.documents[len(c.documents)-1]
	d.items = int32(len(c.items) - c.first)
	if c.odd || at-int(d.at) < c.large {
		d.items, c.items = 0, c.items[:c.first]
	}
}

// row looks at one line, which is without its end.
func (c *cutter) row(row []byte, at, line int) bool {
	indent := 0
	for indent < len(row) && row[indent] == ' ' {
		indent++
	}
	text := row[indent:]
	switch {
	case len(text) == 0 || text[0] == '#':
		return true // wherever it belongs
	case string(row) == "---":
		if c.begun {
			c.end(at)
			c.begin(at, line)
		}
		c.begun = true
		return true
	case bytes.HasPrefix(row, []byte("---")), bytes.HasPrefix(row, []byte("...")):
		return false
	}
	c.begun = true
	switch {
	case c.odd:
	case !c.list:
		c.list = string(row) == "commits:"
	case c.indent >= 0 && indent > c.indent:
		// It goes on with the item above.
	case (c.indent < 0 || c.indent == indent) && isItem(text):
		c.indent = indent
		c.items = append(c.items, extent{at: int32(at), line: int32(line)})
	default:
		c.odd = true
	}
	return true
}

// isItem reports whether the text of a line begins an item that begins in the same
// line.
func isItem(text []byte) bool {
	return len(text) > 2 && text[0] == '-' && text[1] == ' ' && text[2] != ' ' && text[2] != '#'
}

// end returns where the i-th of the extents ends, of which the last ends at last.
func end(extents []extent, i, last int) int {
	if i+1 < len(extents) {
		return int(extents[i+1].at)
	}
	return last
}

// summer sums the texts of pieces.
type summer struct {
	hash   hash.Hash
	prefix []byte // what else a piece's meaning depends on
	out    sum
}

func newSummer() *summer {
	h, err := blake2b.New(len(sum{}), nil)
	if err != nil {
		panic(err) // it has a size that there is
	}
	return &summer{hash: h}
}

// documents says that what comes are whole documents.
func (s *summer) documents() { s.prefix = append(s.prefix[:0], 'd') }

// items says that what comes are items of a list, with these defaults.
func (s *summer) items(d defaults) {
	given := ""
	if d.hasCommitType {
		given = "given"
	}
	s.prefix = canonical(append(s.prefix[:0], 'i')).
		text(d.projectID).
		number(int64(d.taskType)).
		number(int64(d.commitType)).
		text(given).
		number(int64(d.wait))
}

func (s *summer) sum(text []byte) sum {
	s.hash.Reset()
	s.hash.Write(s.prefix)
	s.hash.Write(text)
	s.hash.Sum(s.out[:0])
	return s.out
}

// made is what was made of a part of a file.
type made struct {
	line, column int // of its node
	commits      int
	clean        bool // without a complaint
}

// madeDocument is the same for a document, with what was made of its list.
type madeDocument struct {
	made
	defaults defaults
	items    []made
}

// begins reports whether an item begins after the dash that its text begins with.
func (m *made) begins(item extent, data []byte) bool {
	return m.line == int(item.line) && m.column == bytes.IndexByte(data[item.at:], '-')+3
}

func (m *made) piece(s sum, line int32) piece {
	if !m.clean {
		s = sum{}
	}
	return piece{s, line, int32(m.commits)}
}

// outline returns what to remember of a file, if its documents and lists are those that
// the layout shows, else nil. Then no piece began while something before it was still
// open, so that each would be parsed the same anywhere else.
func (l *layout) outline(data []byte, documents []madeDocument) *outline {
	if len(documents) != len(l.documents) {
		return nil
	}
	pieces := make([]piece, 0, len(l.documents)+len(l.items))
	sums := newSummer()
	items := l.items
	for i, d := range l.documents {
		m, stop := &documents[i], end(l.documents, i, len(data))
		if d.items == 0 {
			sums.documents()
			pieces = append(pieces, m.piece(sums.sum(data[d.at:stop]), d.line))
			continue
		}
		if len(m.items) != int(d.items) {
			return nil
		}
		sums.items(m.defaults)
		for k, item := range items[:d.items] {
			if !m.items[k].begins(item, data) {
				return nil
			}
			text := data[item.at:end(items[:d.items], k, stop)]
			pieces = append(pieces, m.items[k].piece(sums.sum(text), item.line))
		}
		items = items[d.items:]
	}
	return &outline{pieces}
}

// known finds pieces of a file as it was.
type known struct {
	file  *File
	was   []piece
	first []int32       // where in the file the commits of a piece begin
	next  int           // the piece after the one found last
	index map[sum]int32 // nil until a piece is not the next one
}

func knownOf(f *File) *known {
	k := &known{file: f, was: f.outline.pieces, first: make([]int32, len(f.outline.pieces))}
	n := int32(0)
	for i, p := range k.was {
		k.first[i] = n
		n += p.commits
	}
	return k
}

// commits returns the commits of a piece.
func (k *known) commits(i int) []*Commit {
	return k.file.Commits[k.first[i]:][:k.was[i].commits]
}

// find returns which piece has that sum.
func (k *known) find(s sum) (i int, ok bool) {
	if k.next < len(k.was) && k.was[k.next].sum == s {
		k.next++
		return k.next - 1, true
	}
	if k.index == nil {
		k.index = make(map[sum]int32, len(k.was))
		for i, p := range slices.Backward(k.was) {
			if p.sum != (sum{}) {
				k.index[p.sum] = int32(i)
			}
		}
	}
	at, ok := k.index[s]
	if ok {
		k.next = int(at) + 1
	} else {
		k.next++ // most often it was changed in its place
	}
	return int(at), ok
}
