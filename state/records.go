package state

import (
	"cmp"
	"iter"
	"maps"

	"github.com/wedatasync/wedatasync/spec"
)

// Records holds the records of a state in memory, of each task one. Those with which
// nothing is open, nearly all, are packed into half of their size, and unpacked
// when they are asked for. Times are then in UTC.
//
// A nil Records is empty, and can be read. A Records may be read by several
// goroutines, as long as none changes it.
//
// The records of removed tasks are apart: Get and Peek find them, and nothing else but
// Removed does.
type Records struct {
	packer  packer
	managed kept
	removed kept
}

// kept are records by task.
type kept struct {
	packed map[spec.Key]string
	whole  map[spec.Key]*Record // with which something is open: looked at often
}

func newKept(n int) kept {
	return kept{packed: make(map[spec.Key]string, n), whole: map[spec.Key]*Record{}}
}

func (k *kept) len() int { return len(k.packed) + len(k.whole) }

func (k *kept) delete(key spec.Key) {
	delete(k.packed, key)
	delete(k.whole, key)
}

// keys yields the task of each record, in no order.
func (k *kept) keys(yield func(spec.Key) bool) bool {
	for key := range k.packed {
		if !yield(key) {
			return false
		}
	}
	for key := range k.whole {
		if !yield(key) {
			return false
		}
	}
	return true
}

// NewRecords returns a Records of these, which are its own from now on.
func NewRecords(records ...*Record) *Records {
	r := newRecords(len(records))
	for _, rec := range records {
		r.Put(rec)
	}
	return r
}

// newRecords returns no records, with room for n.
func newRecords(n int) *Records {
	return &Records{packer: newPacker(), managed: newKept(n), removed: newKept(0)}
}

// Len returns how many tasks are managed.
func (r *Records) Len() int {
	if r == nil {
		return 0
	}
	return r.managed.len()
}

// all returns how many records there are, those of removed tasks included.
func (r *Records) all() int { return r.managed.len() + r.removed.len() }

// Has reports whether the task is managed: it has a record, and is not removed.
func (r *Records) Has(key spec.Key) bool {
	if r == nil {
		return false
	}
	_, packed := r.managed.packed[key]
	return packed || r.managed.whole[key] != nil
}

// Get returns the task's record, also of a removed task, or nil. It is not to be changed.
func (r *Records) Get(key spec.Key) *Record {
	if r == nil {
		return nil
	}
	if rec := r.managed.whole[key]; rec != nil {
		return rec
	}
	if _, ok := r.find(key); !ok {
		return r.removed.whole[key]
	}
	var scratch struct {
		record  Record
		applied Applied
	}
	scratch.record.Applied = &scratch.applied
	return r.Peek(key, &scratch.record)
}

// Peek is Get for who looks at many records: it makes into the record, and its
// Applied, which has to be there, the Applied. They are good until the next Peek.
func (r *Records) Peek(key spec.Key, into *Record) *Record {
	if r == nil {
		return nil
	}
	data, ok := r.find(key)
	if !ok {
		return cmp.Or(r.managed.whole[key], r.removed.whole[key])
	}
	into.Key = key
	r.packer.unpack(data, into) // which it can: Put has packed it, or saved.take has tried
	return into
}

// find returns the task's record as it is packed.
func (r *Records) find(key spec.Key) (data string, ok bool) {
	if data, ok = r.managed.packed[key]; !ok && len(r.removed.packed) > 0 {
		data, ok = r.removed.packed[key]
	}
	return data, ok
}

// of returns the records among which this one belongs.
func (r *Records) of(rec *Record) *kept {
	if rec.Removed != nil {
		return &r.removed
	}
	return &r.managed
}

// Put takes the record in, in place of the one that the task had.
func (r *Records) Put(rec *Record) {
	at := r.of(rec)
	if other := &r.removed; other != at {
		other.delete(rec.Key)
	} else {
		r.managed.delete(rec.Key)
	}
	if !packs(rec) {
		delete(at.packed, rec.Key)
		at.whole[rec.Key] = rec
		return
	}
	delete(at.whole, rec.Key)
	at.packed[rec.Key] = string(r.packer.append(make([]byte, 0, 512), rec))
}

// Delete takes the task's record out.
func (r *Records) Delete(key spec.Key) {
	r.managed.delete(key)
	r.removed.delete(key)
}

// Keys yields each managed task, in no order.
func (r *Records) Keys() iter.Seq[spec.Key] {
	return func(yield func(spec.Key) bool) {
		if r != nil {
			r.managed.keys(yield)
		}
	}
}

// Removed yields each task that has a record and is managed no more, in no order.
func (r *Records) Removed() iter.Seq[spec.Key] {
	return func(yield func(spec.Key) bool) {
		if r != nil {
			r.removed.keys(yield)
		}
	}
}

// All yields the record of each managed task, in no order. One is good until the next.
func (r *Records) All() iter.Seq[*Record] {
	return func(yield func(*Record) bool) {
		scratch := Record{Applied: new(Applied)}
		for key := range r.Keys() {
			if !yield(r.Peek(key, &scratch)) {
				return
			}
		}
	}
}

// Open yields the records of managed tasks with which something is open, in no order: an attempt, a
// task that is to come to run, a person's word to leave it alone, or what is remembered
// of changes by others.
func (r *Records) Open() iter.Seq[*Record] {
	if r == nil {
		return func(func(*Record) bool) {}
	}
	return maps.Values(r.managed.whole)
}

// ShareKey lets the record of key keep the text of key in place of its own: of the
// id of a task, two copies for every task are one too many.
func (r *Records) ShareKey(key spec.Key) {
	if data, ok := r.managed.packed[key]; ok {
		r.managed.packed[key] = data // and with it goes the new key
	}
}
