package signature

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// maxSignature bounds a signature in a commit, in bytes. Those of today have a few
// hundred, those of post-quantum keys up to 50,000.
const maxSignature = 64 << 10

// commit is a signed commit, taken apart.
type commit struct {
	payload   []byte    // what was signed: all but the signature
	signature []byte    // as it was before git put it into the commit
	committed time.Time // by the committer's clock
}

// parseCommit takes a raw commit apart. Readers differ in what they make of headers
// that are there twice or elsewhere, so only what git itself writes is taken: tree,
// parents, author, committer, then the rest, with one signature in it.
func parseCommit(raw []byte) (*commit, error) {
	h := headers{rest: raw}
	if err := h.hash("tree"); err != nil {
		return nil, err
	}
	for h.is("parent") {
		if err := h.hash("parent"); err != nil {
			return nil, err
		}
	}
	if _, err := h.ident("author"); err != nil {
		return nil, err
	}
	c := &commit{}
	var err error
	if c.committed, err = h.ident("committer"); err != nil {
		return nil, err
	}
	for !h.ended() {
		start := len(raw) - len(h.rest)
		name, value, err := h.header()
		if err != nil {
			return nil, err
		}
		switch name {
		case "tree", "parent", "author", "committer":
			return nil, fmt.Errorf("%w: %s appears twice, or late", ErrMalformed, name)
		case "gpgsig-sha256":
			return nil, fmt.Errorf("%w: it is for another kind of repository", ErrUnreadable)
		case "gpgsig":
			if c.signature != nil {
				return nil, fmt.Errorf("%w: there are two", ErrUnreadable)
			}
			if len(value) > maxSignature {
				return nil, fmt.Errorf("%w: it has more than %d bytes", ErrUnreadable, maxSignature)
			}
			c.signature = value
			end := len(raw) - len(h.rest)
			c.payload = append(append(make([]byte, 0, len(raw)-end+start), raw[:start]...), raw[end:]...)
		}
	}
	if c.signature == nil {
		return nil, ErrUnsigned
	}
	return c, nil
}

// headers reads the headers of a commit.
type headers struct{ rest []byte }

// ended reports whether the next line is the empty one before the message.
func (h *headers) ended() bool { return len(h.rest) == 0 || h.rest[0] == '\n' }

func (h *headers) is(name string) bool {
	return bytes.HasPrefix(h.rest, []byte(name+" "))
}

// line takes the next line, without its end.
func (h *headers) line() ([]byte, error) {
	line, rest, ok := bytes.Cut(h.rest, []byte("\n"))
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: its headers do not end", ErrMalformed)
	case bytes.IndexByte(line, 0) >= 0:
		return nil, fmt.Errorf("%w: a header has a zero byte", ErrMalformed)
	}
	h.rest = rest
	return line, nil
}

// header takes the next header, with the lines that continue it.
func (h *headers) header() (name string, value []byte, err error) {
	line, err := h.line()
	if err != nil {
		return "", nil, err
	}
	before, after, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(before) == 0 {
		return "", nil, fmt.Errorf("%w: a header has no name or no value", ErrMalformed)
	}
	value = append(bytes.Clone(after), '\n')
	for len(h.rest) > 0 && h.rest[0] == ' ' {
		if line, err = h.line(); err != nil {
			return "", nil, err
		}
		value = append(append(value, line[1:]...), '\n')
	}
	return string(before), value, nil
}

// hash takes a header whose value is the name of an object.
func (h *headers) hash(name string) error {
	const length = 40
	line, err := h.line()
	if err != nil {
		return err
	}
	value, ok := bytes.CutPrefix(line, []byte(name+" "))
	if !ok || len(value) != length || len(bytes.Trim(value, "0123456789abcdef")) > 0 {
		return fmt.Errorf("%w: %s is missing, or names no object", ErrMalformed, name)
	}
	return nil
}

// ident takes a header that says who, and returns when.
func (h *headers) ident(name string) (time.Time, error) {
	line, err := h.line()
	if err != nil {
		return time.Time{}, err
	}
	wrong := fmt.Errorf("%w: %s is missing, or names nobody or no time", ErrMalformed, name)
	value, ok := bytes.CutPrefix(line, []byte(name+" "))
	open, end := bytes.IndexByte(value, '<'), bytes.LastIndexByte(value, '>')
	if !ok || open < 0 || end < open {
		return time.Time{}, wrong
	}
	fields := bytes.Fields(value[end+1:])
	if len(fields) != 2 {
		return time.Time{}, wrong
	}
	seconds, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, wrong
	}
	return time.Unix(seconds, 0), nil
}
