package wire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"

	"github.com/wedatasync/wedatasync/internal/gitstore"
)

// What an answer begins with is passed on to the byte, up to the bound.
func FuzzAckFilter(f *testing.F) {
	f.Add([]byte("0008NAK\nPACK"))
	f.Add([]byte("0031ACK " + strings.Repeat("1", 40) + "\n0008NAK\n000a\x01PACK\n"))
	f.Add([]byte("0008NA"))
	f.Add([]byte("0000ACK0003ACK"))
	f.Add([]byte(strings.Repeat("0008NAK\n", maxAcks+1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := io.ReadAll(iotest.OneByteReader(newAckFilter(iotest.HalfReader(bytes.NewReader(data)))))
		switch {
		case errors.Is(err, gitstore.ErrTooLarge):
			if n := bytes.Count(data, []byte("ACK")) + bytes.Count(data, []byte("NAK")); n <= maxAcks || !bytes.HasPrefix(data, got) {
				t.Errorf("%q: after %q: %v", data, got, err)
			}
		case err != nil || !bytes.Equal(got, data):
			t.Errorf("%q is passed on as %q: %v", data, got, err)
		}
	})
}

// What is left out of a list of refs changes nothing for our branch.
func FuzzRefFilter(f *testing.F) {
	hash := strings.Repeat("1", 40)
	f.Add([]byte("001e# service=git-upload-pack\n0000" + "004a" + hash + " HEAD\x00side-band-64k ofs-delta\n" + "003d" + hash + " refs/heads/main\n" + "003d" + hash + " refs/heads/side\n0000"))
	f.Add([]byte("004a" + hash + " HEAD\x00side-band-64k ofs-delta\n" + "0033" + hash[:30] + " refs/heads/main\n0000")) // a short hash
	many := strings.Repeat("003e"+hash+" refs/heads/b0001\n", 2*MaxNamed)
	f.Add([]byte("004a" + hash + " HEAD\x00side-band-64k ofs-delta\n" + many + "0035shallow " + hash + "\n0000"))
	f.Add([]byte("0000"))
	f.Fuzz(func(t *testing.T, data []byte) {
		const branch = "refs/heads/main"
		all, some := packp.NewAdvRefs(), packp.NewAdvRefs()
		if err := all.Decode(bytes.NewReader(data)); err != nil {
			return
		}
		err := some.Decode(newRefFilter(bytes.NewReader(data), branch))
		if errors.Is(err, gitstore.ErrSHA256) {
			return // go-git cuts the names
		}
		if err != nil {
			t.Errorf("%q: %v", data, err)
		}
		if a, b := all.References[branch], some.References[branch]; a != b {
			t.Errorf("%q: the branch is at %s, and at %s", data, a, b)
		}
		if (len(all.Shallows) > 0) != (len(some.Shallows) > 0) {
			t.Errorf("%q: of %d places where history ends, %d are left", data, len(all.Shallows), len(some.Shallows))
		}
	})
}
