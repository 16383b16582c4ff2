package gitstore

import (
	"bytes"
	"context"
	"crypto/sha1" // the checksum of packs
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// Receive writes a pack and its index into the folder, whole or not at all,
// and returns its path without extension. A pack without the objects that were asked for
// is not kept, however often a server sends one.
//
// go-git's own way to store one is not used: it would allocate what the pack merely
// claims to hold, a panic of its parser could not be recovered, and a failure would
// leave files behind.
func Receive(ctx context.Context, r io.Reader, dir string, maxPack int64, wants ...plumbing.Hash) (name string, err error) {
	pack, err := os.CreateTemp(dir, "tmp_pack_")
	if err != nil {
		return "", diskFault(err)
	}
	defer func() {
		pack.Close()
		if err != nil {
			os.Remove(pack.Name())
		}
	}()
	size, err := io.Copy(disk{pack}, LimitReader(r, maxPack, "a pack"))
	if err != nil {
		return "", err
	}
	if err := checkSum(pack, size); err != nil {
		return "", err
	}
	index, err := indexPack(ctx, pack, size)
	if err != nil {
		return "", err
	}
	for _, want := range wants {
		if !indexed(index, want) {
			return "", fmt.Errorf("%w: object %s is not in it", packfile.ErrMalformedPackFile, want)
		}
	}
	name, err = storePack(pack.Name(), index, dir)
	return name, diskFault(err)
}

// disk writes to a file, and makes its errors [DiskError]s.
type disk struct{ file *os.File }

func (d disk) Write(p []byte) (int, error) {
	n, err := d.file.Write(p)
	return n, diskFault(err)
}

// checkSum compares a pack with the checksum at its end.
func checkSum(pack *os.File, size int64) error {
	if size < int64(HashSize) {
		return fmt.Errorf("%w: it has %d bytes", packfile.ErrMalformedPackFile, size)
	}
	sum := sha1.New()
	if _, err := io.Copy(sum, io.NewSectionReader(pack, 0, size-int64(HashSize))); err != nil {
		return diskFault(err)
	}
	want := make([]byte, HashSize)
	if _, err := pack.ReadAt(want, size-int64(HashSize)); err != nil {
		return diskFault(err)
	}
	if !bytes.Equal(sum.Sum(nil), want) {
		return fmt.Errorf("%w: its checksum is another: it was cut off or changed on the way", packfile.ErrMalformedPackFile)
	}
	return nil
}

// minEntry is the least size of an object in a pack, in bytes: its header, and
// the shortest zlib stream.
const minEntry = 9

// prefix keeps the first bytes that are written to it.
type prefix struct{ bytes []byte }

func (p *prefix) Write(b []byte) (int, error) {
	const most = 2 * binary.MaxVarintLen64
	p.bytes = append(p.bytes, b[:min(len(b), most-len(p.bytes))]...)
	return len(b), nil
}

// storePack gives a pack its name. Its index comes last: a pack without one does
// not count.
func storePack(pack string, index []byte, dir string) (name string, err error) {
	temp, err := os.CreateTemp(dir, "tmp_idx_")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			os.Remove(temp.Name())
		}
	}()
	_, err = temp.Write(index)
	if err = errors.Join(err, temp.Close()); err != nil {
		return "", err
	}
	sum := index[len(index)-2*HashSize : len(index)-HashSize]
	name = filepath.Join(dir, "pack-"+plumbing.Hash(sum).String())
	if err := os.Rename(pack, name+".pack"); err != nil {
		return "", err
	}
	return name, os.Rename(temp.Name(), name+".idx")
}
