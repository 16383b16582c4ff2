package gitremote

import (
	"bufio"
	"fmt"
	"io"
	"strconv"

	"github.com/wedatasync/wedatasync/internal/gitstore"
)

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
