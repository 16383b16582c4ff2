package state

import (
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
type Records struct {
	packer packer
	packed map[spec.Key]string
	whole  map[spec.Key]*Record // with which something is open: looked at often
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
	return &Records{packer: newPacker(), packed: make(map[spec.Key]string, n), whole: map[spec.Key]*Record{}}
}

// Len returns how many records there are.
func (r *Records) Len() int {
	if r == nil {
		return 0
	}
	return len(r.packed) + len(r.whole)
}

// Has reports whether the task has a record.
func (r *Records) Has(key spec.Key) bool {
	if r == nil {
		return false
	}
	_, packed := r.packed[key]
	return packed || r.whole[key] != nil
}

// Get returns the task's record, or nil. It is not to be changed.
func (r *Records) Get(key spec.Key) *Record {
	if !r.Has(key) {
		return nil
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
	data, ok := r.packed[key]
	if !ok {
		return r.whole[key]
	}
	into.Key = key
	r.packer.unpack(data, into) // which it can: Put has packed it, or saved.take has tried
	return into
}

// Put takes the record in, in place of the one that the task had.
func (r *Records) Put(rec *Record) {
	if !packs(rec) {
		delete(r.packed, rec.Key)
		r.whole[rec.Key] = rec
		return
	}
	delete(r.whole, rec.Key)
	r.packed[rec.Key] = string(r.packer.append(make([]byte, 0, 512), rec))
}

// Delete takes the task's record out.
func (r *Records) Delete(key spec.Key) {
	delete(r.packed, key)
	delete(r.whole, key)
}

// Keys yields the task of each record, in no order.
func (r *Records) Keys() iter.Seq[spec.Key] {
	return func(yield func(spec.Key) bool) {
		if r == nil {
			return
		}
		for key := range r.packed {
			if !yield(key) {
				return
			}
		}
		for key := range r.whole {
			if !yield(key) {
				return
			}
		}
	}
}

// All yields each record, in no order. One is good until the next.
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

// Open yields the records with which something is open, in no order: an attempt, a
// task that is to come to run, a person's word to leave it alone, or what is remembered
// of changes by others.
func (r *Records) Open() iter.Seq[*Record] {
	if r == nil {
		return func(func(*Record) bool) {}
	}
	return maps.Values(r.whole)
}

// ShareKey lets the record of key keep the text of key in place of its own: of the
// id of a task, two copies for every task are one too many.
func (r *Records) ShareKey(key spec.Key) {
	if data, ok := r.packed[key]; ok {
		r.packed[key] = data // and with it goes the new key
	}
}
