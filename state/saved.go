package state

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/wedatasync/wedatasync/spec"
)

// savedMagic is what saved records begin with. Its number changes with what a Record
// is, and with how it is packed.
const savedMagic = "wedatasync records 3\n"

// errNoSaved says that there are no saved records to use.
var errNoSaved = errors.New("no saved records")

// savedOf is which moment of which state saved records are of.
type savedOf struct {
	lineage string
	events  int64
	hash    string // of the newest event
	tasks   int64
}

// SavedSize returns how many bytes of saved records there are beside the state at path;
// 0 if there are none.
func SavedSize(path string) int64 {
	fl, err := locate(path)
	if err != nil {
		return 0
	}
	info, err := os.Stat(fl.records)
	if err != nil {
		return 0
	}
	return info.Size()
}

// savedWriter saves the records of a state for the next process, whole or not at all.
// The first error makes what comes after it do nothing.
//
// After the magic come the packed records; then the index, which says of which moment
// they are, and of each its key, its size and the checksum of its row; then the sizes
// of the two, and a checksum over all that. The index is apart because nobody keeps it.
type savedWriter struct {
	name  string
	file  *os.File
	out   *bufio.Writer
	sum   *xxhash.Digest
	size  uint64 // of the records so far
	index []byte
	err   error
}

func newSavedWriter(name string) *savedWriter {
	w := &savedWriter{name: name, sum: xxhash.New()}
	w.file, w.err = os.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	w.out = bufio.NewWriterSize(w.file, 64<<10)
	w.write([]byte(savedMagic))
	return w
}

func (w *savedWriter) write(data []byte) {
	_, _ = w.sum.Write(data) // which never fails
	if w.err == nil {
		_, w.err = w.out.Write(data)
	}
}

// add writes a record as p has packed it, or, if it does not pack, as JSON.
func (w *savedWriter) add(rec *Record, packed []byte, crc int64) {
	data, kind := packed, savedPacked
	if !packs(rec) && w.err == nil {
		kind = savedJSON
		data, w.err = json.Marshal(rec)
	}
	w.write(data)
	w.size += uint64(len(data))
	w.index = append(w.index, kind...)
	w.index = appendText(appendText(w.index, rec.Key.ProjectID), rec.Key.TaskID)
	w.index = binary.AppendUvarint(w.index, uint64(len(data)))
	w.index = binary.AppendUvarint(w.index, uint64(crc))
}

// How a record was saved.
const (
	savedPacked = "p"
	savedJSON   = "j"
)

// done puts what was written in place. It is not synced: what a power cut makes of it
// does not fit its checksum.
func (w *savedWriter) done(of savedOf, texts []string) error {
	index := appendText(appendText(nil, of.lineage), of.hash)
	index = binary.AppendUvarint(binary.AppendUvarint(index, uint64(of.events)), uint64(of.tasks))
	index = binary.AppendUvarint(index, uint64(len(texts)))
	for _, text := range texts {
		index = appendText(index, text)
	}
	w.write(index)
	w.write(w.index)
	var sizes [16]byte
	binary.BigEndian.PutUint64(sizes[:], w.size)
	binary.BigEndian.PutUint64(sizes[8:], uint64(len(index)+len(w.index)))
	w.write(sizes[:])
	w.write(w.sum.Sum(nil))
	if w.err == nil {
		w.err = errors.Join(w.out.Flush(), w.file.Close())
	}
	if w.err == nil {
		w.err = os.Rename(w.file.Name(), w.name)
	}
	if w.err != nil {
		w.drop()
		return fmt.Errorf("save records: %w", w.err)
	}
	return nil
}

// drop ends the writing without a result.
func (w *savedWriter) drop() {
	if w.file != nil {
		_ = w.file.Close()
		_ = os.Remove(w.file.Name())
	}
}

// saved are saved records that are being read.
type saved struct {
	savedOf
	texts   []string
	records string
	index   unpacking
}

// openSaved reads saved records. Whatever is wrong with them, they are not used.
func openSaved(name string) (*saved, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoSaved, err)
	}
	defer f.Close()
	s, err := readSaved(f)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoSaved, err)
	}
	return s, nil
}

const (
	savedSizes = 16 // bytes of the two sizes
	savedSum   = 8  // bytes of the checksum
	maxSaved   = 1 << 31
)

// savedFile is what of a file readSaved needs.
type savedFile interface {
	io.Reader
	io.ReaderAt
	io.Seeker
}

func readSaved(f savedFile) (*saved, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if size < int64(len(savedMagic))+savedSizes+savedSum || size > maxSaved {
		return nil, fmt.Errorf("they cannot have %d bytes", size)
	}
	var sizes [savedSizes]byte
	if _, err := f.ReadAt(sizes[:], size-savedSizes-savedSum); err != nil {
		return nil, err
	}
	records, index := binary.BigEndian.Uint64(sizes[:]), binary.BigEndian.Uint64(sizes[8:])
	if all := uint64(size) - uint64(len(savedMagic)) - savedSizes - savedSum; records > all || index != all-records {
		return nil, io.ErrUnexpectedEOF
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	sum := xxhash.New()
	in := io.TeeReader(f, sum)
	// Each part for itself: the records are kept, and nothing else is.
	part := func(size uint64) string {
		var b strings.Builder
		if err == nil {
			b.Grow(int(size))
			_, err = io.CopyN(&b, in, int64(size))
		}
		return b.String()
	}
	magic := part(uint64(len(savedMagic)))
	s := &saved{records: part(records), index: unpacking{rest: part(index)}}
	part(savedSizes)
	want := sum.Sum64()
	tail := part(savedSum)
	switch {
	case err != nil:
		return nil, err
	case magic != savedMagic:
		return nil, errors.New("they are of another program")
	case binary.BigEndian.Uint64([]byte(tail)) != want:
		return nil, errors.New("they do not fit their checksum")
	}
	s.lineage, s.hash = s.index.text(), s.index.text()
	s.events, s.tasks = int64(s.index.count()), int64(s.index.count())
	s.texts = make([]string, min(s.index.count(), maxTexts))
	for i := range s.texts {
		s.texts[i] = strings.Clone(s.index.text())
	}
	if s.index.bad || s.tasks < 0 || s.tasks > size {
		return nil, io.ErrUnexpectedEOF
	}
	return s, nil
}

// take puts all but some of the saved records into r, which is new, and returns the
// sum of the checksums of their rows.
func (s *saved) take(r *Records, but map[spec.Key]bool) (sum int64, err error) {
	for _, text := range s.texts {
		r.packer.add(text)
	}
	records := unpacking{rest: s.records}
	scratch := Record{Applied: new(Applied)}
	project := ""
	for s.index.rest != "" {
		kind := s.index.take(1)
		key := spec.Key{ProjectID: s.index.text(), TaskID: s.index.text()}
		data := records.take(s.index.count())
		crc := int64(s.index.count())
		if s.index.bad || records.bad {
			return 0, io.ErrUnexpectedEOF
		}
		if key.ProjectID == project {
			key.ProjectID = project // one copy for all of them
		} else {
			project = strings.Clone(key.ProjectID)
			key.ProjectID = project
		}
		if but[key] {
			continue
		}
		sum += crc
		if kind == savedPacked {
			if !r.packer.unpack(data, &scratch) {
				return 0, io.ErrUnexpectedEOF
			}
			r.of(&scratch).packed[key] = data
			continue
		}
		rec := new(Record)
		if err := json.Unmarshal([]byte(data), rec); err != nil {
			return 0, err
		}
		r.of(rec).whole[key] = rec
	}
	return sum, nil
}
