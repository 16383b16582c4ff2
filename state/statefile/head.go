package statefile

import (
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// Head is what is remembered of a state outside of its database: a database that
// is at an older serial, or has another lineage, is not the one that was in use.
// It is one line of text, rewritten in place after each transaction.
type Head struct {
	Lineage string
	Serial  int64 // 0: the database is being created and was never in use
}

// headFormat is the line without its checksum. The serial has a fixed width, so
// that the line can be rewritten in place.
const headFormat = "wedatasync-state-head 1 %s %019d "

// maxHead bounds what is read of a head file, in bytes.
const maxHead = 256

// Line renders the head; the checksum covers all before it.
func (h Head) Line() []byte {
	b := fmt.Appendf(nil, headFormat, h.Lineage, h.Serial)
	return fmt.Appendf(b, "%08x\n", crc32.ChecksumIEEE(b))
}

// parseHead reads what Line wrote, and nothing else.
func parseHead(b []byte) (Head, error) {
	var h Head
	if _, err := fmt.Sscanf(string(b), headFormat, &h.Lineage, &h.Serial); err != nil || string(h.Line()) != string(b) {
		return Head{}, fmt.Errorf("%q is not the head of a state", strings.TrimSpace(string(b)))
	}
	return h, nil
}

// ReadHead returns the head of the state; ErrMissing if it has none. A line that is
// being rewritten right now can be read in halves: it is read again.
func (fl Files) ReadHead() (Head, error) {
	const attempts = 3
	var err error
	for range attempts {
		var h Head
		if h, err = fl.readHeadOnce(); !errors.Is(err, state.ErrDamaged) {
			return h, err
		}
	}
	return Head{}, err
}

func (fl Files) readHeadOnce() (Head, error) {
	f, err := os.Open(fl.Head)
	if errors.Is(err, fs.ErrNotExist) {
		return Head{}, fmt.Errorf("open state %s: its head file %s is missing: %w: restore it, or, %s", fl.DB, fl.Head, state.ErrMissing, state.HintAccept)
	}
	if err != nil {
		return Head{}, fmt.Errorf("read head of state: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxHead))
	if err != nil {
		return Head{}, fmt.Errorf("read head of state: %w", err)
	}
	h, err := parseHead(b)
	if err != nil {
		return Head{}, &state.DamagedError{Path: fl.Head, Table: "head", Detail: err.Error()}
	}
	return h, nil
}

// Check reports how a state whose head would be now differs from the one that the head
// was written for. A state newer than its head is fine: that is what a crash
// between the two leaves.
func (h Head) Check(fl Files, now Head) error {
	if now.Lineage != h.Lineage {
		return &state.ForeignError{Path: fl.DB, Field: "lineage", Have: now.Lineage, Want: h.Lineage}
	}
	if now.Serial < h.Serial {
		return &state.RolledBackError{Path: fl.DB, Have: now.Serial, Head: h.Serial}
	}
	return nil
}

// HeadFile is the head of a state that is in use. The line is in the file when
// Write returns, and synced beside the transactions that follow: to wait for it
// would double the price of each one, and all it could win is that a power cut
// leaves the head one transaction nearer to the database.
type HeadFile struct {
	f       *os.File
	lineage string
	fault   func(point string) error // what tests have go wrong; nil otherwise
	written chan struct{}            // of size 1: there is something to sync
	closing chan struct{}            // closed when the last line is written
	failed  chan error               // of size 1: why it cannot be; closed at the end
}

// HeadSyncEvery is how often the head is synced at most: a disk flushes for one
// file at a time, so each sync of the head holds up a transaction. It is well below
// the time between two requests to the API: a power cut finds the head as near to
// the database as if each line were synced.
const HeadSyncEvery = 10 * time.Millisecond

// OpenHead opens the head and brings it up to the database. A fault of nil is none.
func OpenHead(name string, now Head, fault func(string) error) (*HeadFile, error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open head of state: %w", err)
	}
	h := &HeadFile{f: f, lineage: now.Lineage, fault: fault, written: make(chan struct{}, 1), closing: make(chan struct{}), failed: make(chan error, 1)}
	go h.run()
	if err := h.Write(now.Serial); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// Write puts the serial into the head, or reports why an earlier one is not
// durable. The line is smaller than a sector: a power cut leaves the old or the new.
func (h *HeadFile) Write(serial int64) error {
	select {
	case err := <-h.failed:
		return cmp.Or(err, state.ErrBroken)
	default:
	}
	if err := h.at("head-write"); err != nil {
		return err
	}
	if _, err := h.f.WriteAt(Head{h.lineage, serial}.Line(), 0); err != nil {
		return fmt.Errorf("write head of state: %w", err)
	}
	select {
	case h.written <- struct{}{}:
	default: // the sync that is due will see this line as well
	}
	return nil
}

// run syncs what was written, until the first failure.
func (h *HeadFile) run() {
	defer close(h.failed)
	for range h.written {
		if err := h.sync(); err != nil {
			h.failed <- fmt.Errorf("sync head of state: %w", err)
			return
		}
		select {
		case <-time.After(HeadSyncEvery):
		case <-h.closing:
		}
	}
}

func (h *HeadFile) sync() error {
	if err := h.at("head-sync"); err != nil {
		return err
	}
	return h.f.Sync()
}

func (h *HeadFile) at(point string) error {
	if h.fault == nil {
		return nil
	}
	return h.fault(point)
}

// Close waits for the last sync.
func (h *HeadFile) Close() error {
	close(h.closing)
	close(h.written)
	err := <-h.failed
	return errors.Join(err, h.f.Close())
}
