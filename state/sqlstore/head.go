package sqlstore

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

// head is what is remembered of a state outside of its database: a database that
// is at an older serial, or has another lineage, is not the one that was in use.
// It is one line of text, rewritten in place after each transaction.
type head struct {
	lineage string
	serial  int64 // 0: the database is being created and was never in use
}

// headFormat is the line without its checksum. The serial has a fixed width, so
// that the line can be rewritten in place.
const headFormat = "wedatasync-state-head 1 %s %019d "

// maxHead bounds what is read of a head file, in bytes.
const maxHead = 256

// line renders the head; the checksum covers all before it.
func (h head) line() []byte {
	b := fmt.Appendf(nil, headFormat, h.lineage, h.serial)
	return fmt.Appendf(b, "%08x\n", crc32.ChecksumIEEE(b))
}

// parseHead reads what line wrote, and nothing else.
func parseHead(b []byte) (head, error) {
	var h head
	if _, err := fmt.Sscanf(string(b), headFormat, &h.lineage, &h.serial); err != nil || string(h.line()) != string(b) {
		return head{}, fmt.Errorf("%q is not the head of a state", strings.TrimSpace(string(b)))
	}
	return h, nil
}

// readHead returns the head of the state; ErrMissing if it has none. A line that is
// being rewritten right now can be read in halves: it is read again.
func (fl files) readHead() (head, error) {
	const attempts = 3
	var err error
	for range attempts {
		var h head
		if h, err = fl.readHeadOnce(); !errors.Is(err, state.ErrDamaged) {
			return h, err
		}
	}
	return head{}, err
}

func (fl files) readHeadOnce() (head, error) {
	f, err := os.Open(fl.head)
	if errors.Is(err, fs.ErrNotExist) {
		return head{}, fmt.Errorf("open state %s: its head file %s is missing: %w: restore it, or, %s", fl.db, fl.head, state.ErrMissing, state.HintAccept)
	}
	if err != nil {
		return head{}, fmt.Errorf("read head of state: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxHead))
	if err != nil {
		return head{}, fmt.Errorf("read head of state: %w", err)
	}
	h, err := parseHead(b)
	if err != nil {
		return head{}, &state.DamagedError{Path: fl.head, Table: "head", Detail: err.Error()}
	}
	return h, nil
}

// check reports how a state with that meta row differs from the one the head
// was written for. A state newer than its head is fine: that is what a crash
// between the two leaves.
func (h head) check(fl files, m meta) error {
	if m.lineage != h.lineage {
		return &state.ForeignError{Path: fl.db, Field: "lineage", Have: m.lineage, Want: h.lineage}
	}
	if m.serial < h.serial {
		return &state.RolledBackError{Path: fl.db, Have: m.serial, Head: h.serial}
	}
	return nil
}

// headFile is the head of a state that is in use. The line is in the file when
// write returns, and synced beside the transactions that follow: to wait for it
// would double the price of each one, and all it could win is that a power cut
// leaves the head one transaction nearer to the database.
type headFile struct {
	f       *os.File
	lineage string
	fault   func(point string) error // what tests have go wrong; nil otherwise
	written chan struct{}            // of size 1: there is something to sync
	closing chan struct{}            // closed when the last line is written
	failed  chan error               // of size 1: why it cannot be; closed at the end
}

// headSyncEvery is how often the head is synced at most: a disk flushes for one
// file at a time, so each sync of the head holds up a transaction. It is well below
// the time between two requests to the API: a power cut finds the head as near to
// the database as if each line were synced.
const headSyncEvery = 10 * time.Millisecond

// openHead opens the head and brings it up to the database.
func openHead(name string, m meta, fault func(string) error) (*headFile, error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open head of state: %w", err)
	}
	h := &headFile{f: f, lineage: m.lineage, fault: fault, written: make(chan struct{}, 1), closing: make(chan struct{}), failed: make(chan error, 1)}
	go h.run()
	if err := h.write(m.serial); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

// write puts the serial into the head, or reports why an earlier one is not
// durable. The line is smaller than a sector: a power cut leaves the old or the new.
func (h *headFile) write(serial int64) error {
	select {
	case err := <-h.failed:
		return cmp.Or(err, state.ErrBroken)
	default:
	}
	if err := h.at("head-write"); err != nil {
		return err
	}
	if _, err := h.f.WriteAt(head{h.lineage, serial}.line(), 0); err != nil {
		return fmt.Errorf("write head of state: %w", err)
	}
	select {
	case h.written <- struct{}{}:
	default: // the sync that is due will see this line as well
	}
	return nil
}

// run syncs what was written, until the first failure.
func (h *headFile) run() {
	defer close(h.failed)
	for range h.written {
		if err := h.sync(); err != nil {
			h.failed <- fmt.Errorf("sync head of state: %w", err)
			return
		}
		select {
		case <-time.After(headSyncEvery):
		case <-h.closing:
		}
	}
}

func (h *headFile) sync() error {
	if err := h.at("head-sync"); err != nil {
		return err
	}
	return h.f.Sync()
}

func (h *headFile) at(point string) error {
	if h.fault == nil {
		return nil
	}
	return h.fault(point)
}

// close waits for the last sync.
func (h *headFile) close() error {
	close(h.closing)
	close(h.written)
	err := <-h.failed
	return errors.Join(err, h.f.Close())
}
