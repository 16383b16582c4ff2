package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"

	"github.com/wedatasync/wedatasync/internal/gitstore"
)

// ErrMalformed says that a server's answer is not in git's protocol.
var ErrMalformed = errors.New("malformed answer")

// kind is what a packet of the protocol is.
type kind int

const (
	data  kind = iota
	flush      // an answer ends
	delim      // a section of an answer ends
)

// Reader reads packets. It takes no byte of its input that comes after the last one read.
type Reader struct {
	in   *bufio.Reader
	left int64
	size int64
	what string
	line []byte
}

// NewReader reads at most so many bytes. The error about more of them is a
// [gitstore.ErrTooLarge] that names what they are of.
func NewReader(in *bufio.Reader, bytes int64, what string) *Reader {
	return &Reader{in: in, left: bytes, size: bytes, what: what}
}

// next returns the next packet, of which a line is without its end. It is valid until the
// next call. A packet that says what is wrong is an error.
func (r *Reader) next() ([]byte, kind, error) {
	var head [4]byte
	if _, err := io.ReadFull(r.in, head[:]); err != nil {
		return nil, 0, err
	}
	size, err := strconv.ParseUint(string(head[:]), 16, 16)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: a packet of %q bytes", ErrMalformed, head)
	}
	if r.left -= max(int64(size), int64(len(head))); r.left < 0 {
		return nil, 0, fmt.Errorf("%w: %s of more than %d bytes", gitstore.ErrTooLarge, r.what, r.size)
	}
	switch size {
	case 0:
		return nil, flush, nil
	case 1:
		return nil, delim, nil
	case 2, 3:
		return nil, 0, fmt.Errorf("%w: a packet of %d bytes", ErrMalformed, size)
	}
	r.line = slices.Grow(r.line[:0], int(size))
	line := r.line[:int(size)-len(head)]
	if _, err := io.ReadFull(r.in, line); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, 0, err
	}
	if text, ok := bytes.CutPrefix(line, []byte("ERR ")); ok {
		return nil, 0, &pktline.ErrorLine{Text: strings.TrimSpace(string(text))}
	}
	return bytes.TrimSuffix(line, []byte("\n")), data, nil
}

// appendLine appends a line with its length in front, and its end.
func appendLine(b []byte, line string) []byte {
	return fmt.Appendf(b, "%04x%s\n", len(line)+5, line)
}

// End is the packet that ends a request, or a conversation.
const End = "0000"

// delimPacket ends a section of a request.
const delimPacket = "0001"
