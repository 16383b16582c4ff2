package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/wedatasync/wedatasync/internal/gitstore"
)

// refFilter reads a list of refs as a server sends it, and passes on the first line,
// which tells what the server can do, our branch, the end, and a few other branches.
// A server may have hundreds of thousands, and go-git would keep them all.
type refFilter struct {
	in     *bufio.Reader
	ref    []byte // the branch's full name
	lines  int    // of refs, so far
	others int    // branches that were passed on to be named
	beside int    // lines that were passed on and are no refs
	rest   []byte // of the line that is passed on
	err    error
}

// FilterRefs returns what is to be known of a list of refs of version 0, to be read by
// go-git: at most 16 MiB of one that may go on without an end.
func FilterRefs(r io.Reader, ref string) io.Reader {
	return newRefFilter(gitstore.LimitReader(r, maxRefs, "a list of refs"), ref)
}

func newRefFilter(r io.Reader, ref string) *refFilter {
	return &refFilter{in: bufio.NewReaderSize(r, 4<<10), ref: []byte(ref)}
}

// Read passes on what is to be known.
func (f *refFilter) Read(p []byte) (int, error) {
	for len(f.rest) == 0 {
		if f.err != nil {
			return 0, f.err
		}
		f.rest, f.err = f.next()
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

// next returns the next line that is passed on, with its length in front, or what
// there is of it before an error.
func (f *refFilter) next() ([]byte, error) {
	for {
		head := make([]byte, 4)
		if _, err := io.ReadFull(f.in, head); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				return head[:0], err
			}
			return nil, err
		}
		size, err := strconv.ParseUint(string(head), 16, 16)
		if err != nil || size > 0 && size < 4 {
			return nil, fmt.Errorf("a line of %q bytes", head)
		}
		if size == 0 {
			return head, nil
		}
		line := make([]byte, size)
		copy(line, head)
		if _, err := io.ReadFull(f.in, line[4:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		content := bytes.TrimSuffix(line[4:], []byte("\n"))
		wanted := f.wanted(content)
		if f.lines == 1 && otherNames(content) {
			return nil, gitstore.ErrSHA256
		}
		if wanted {
			return line, nil
		}
	}
}

// otherNames reports whether the first line of a list says that objects have other names
// than those of SHA-1.
func otherNames(line []byte) bool {
	_, can, _ := bytes.Cut(line, []byte{0})
	for word := range bytes.FieldsSeq(can) {
		if format, ok := bytes.CutPrefix(word, []byte("object-format=")); ok {
			return !bytes.Equal(format, []byte("sha1"))
		}
	}
	return false
}

// wanted reports whether a line is passed on.
func (f *refFilter) wanted(line []byte) bool {
	if bytes.HasPrefix(line, []byte("#")) || bytes.HasPrefix(line, []byte("shallow ")) {
		f.beside++
		return f.beside <= MaxNamed
	}
	f.lines++
	// A line that is no hash and name is go-git's to refuse; it takes a hash of any
	// length, so that the name is what follows the space.
	_, name, ok := bytes.Cut(line, []byte(" "))
	if f.lines == 1 || !ok || bytes.Equal(name, f.ref) {
		return true
	}
	if bytes.HasPrefix(name, []byte("refs/heads/")) && !bytes.HasSuffix(name, []byte("^{}")) {
		f.others++
		return f.others <= MaxNamed
	}
	return false
}

// MaxHaves bounds the commits that we tell a server that we have. After a push it
// needs one; after a rewrite, one that both sides still share.
const MaxHaves = 64

// maxAcks bounds the lines in which a server says what we have in common: one for each
// commit we tell it of, and one more, are what there is to say. go-git keeps them all.
const maxAcks = 4 * MaxHaves

// ackFilter reads the answer to a request for a pack, and refuses one that goes on with
// such lines. What comes after them is passed on as it is.
type ackFilter struct {
	in   *bufio.Reader
	acks int
	left int  // bytes of the line that is passed on
	pack bool // all that follows is passed on
}

// FilterAcks returns the answer to a request for a pack in version 0, to be read by go-git:
// with as many acknowledgements as there may be.
func FilterAcks(r io.Reader) io.Reader { return newAckFilter(r) }

func newAckFilter(r io.Reader) *ackFilter { return &ackFilter{in: bufio.NewReaderSize(r, 4<<10)} }

// Read passes on what there is.
func (f *ackFilter) Read(p []byte) (int, error) {
	if f.left == 0 && !f.pack {
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	if f.pack {
		return f.in.Read(p)
	}
	n, err := f.in.Read(p[:min(len(p), f.left)])
	f.left -= n
	return n, err
}

// next looks at what begins: a line with its length in front, or the rest.
func (f *ackFilter) next() error {
	head, err := f.in.Peek(len("0000ACK"))
	var size uint64
	if err == nil {
		size, err = strconv.ParseUint(string(head[:4]), 16, 16)
	}
	word := string(head[min(4, len(head)):])
	if err != nil || word != "ACK" && word != "NAK" || int(size) < len(head) {
		f.pack = true // and its reader's to judge
		return nil
	}
	if f.acks++; f.acks > maxAcks {
		return fmt.Errorf("%w: more than %d acknowledgements", gitstore.ErrTooLarge, maxAcks)
	}
	f.left = int(size)
	return nil
}
