package state

import (
	"iter"
	"maps"

	"github.com/wedatasync/wedatasync/spec"
)

// Records holds the records of a state in memory, one for each task. It keeps the
// records that it is given: nobody changes them afterwards.
//
// A nil Records is empty, and can be read. Several goroutines may read a Records, as
// long as none changes it.
//
// The records of removed tasks are apart: Get finds them, and Removed lists them;
// everything else is about managed tasks.
type Records struct {
	managed map[spec.Key]*Record
	removed map[spec.Key]*Record
	open    map[spec.Key]*Record // those of managed with which something is open
}

// NewRecords returns a Records of these.
func NewRecords(records ...*Record) *Records {
	r := &Records{
		managed: make(map[spec.Key]*Record, len(records)),
		removed: map[spec.Key]*Record{},
		open:    map[spec.Key]*Record{},
	}
	for _, rec := range records {
		r.Put(rec)
	}
	return r
}

// Len returns how many tasks are managed.
func (r *Records) Len() int {
	if r == nil {
		return 0
	}
	return len(r.managed)
}

// Has reports whether the task is managed: it has a record, and is not removed.
func (r *Records) Has(key spec.Key) bool { return r != nil && r.managed[key] != nil }

// Get returns the task's record, also of a removed task, or nil.
func (r *Records) Get(key spec.Key) *Record {
	if r == nil {
		return nil
	}
	if rec := r.managed[key]; rec != nil {
		return rec
	}
	return r.removed[key]
}

// Put adds the record, in place of the one that the task had.
func (r *Records) Put(rec *Record) {
	r.Delete(rec.Key)
	switch {
	case rec.Removed != nil:
		r.removed[rec.Key] = rec
		return
	case rec.isOpen():
		r.open[rec.Key] = rec
	}
	r.managed[rec.Key] = rec
}

// isOpen reports whether more is to happen with the task than its spec asks for.
func (r *Record) isOpen() bool {
	return r.Applied == nil || r.Attempt != nil || r.Suspended != nil || r.Applied.Drift != nil ||
		r.Applied.Run != nil && r.Applied.Run.Status == RunStarting
}

// Delete removes the task's record.
func (r *Records) Delete(key spec.Key) {
	delete(r.managed, key)
	delete(r.removed, key)
	delete(r.open, key)
}

// Keys yields each managed task, in no order.
func (r *Records) Keys() iter.Seq[spec.Key] {
	if r == nil {
		return func(func(spec.Key) bool) {}
	}
	return maps.Keys(r.managed)
}

// Removed yields each task that has a record and is no longer managed, in no order.
func (r *Records) Removed() iter.Seq[spec.Key] {
	if r == nil {
		return func(func(spec.Key) bool) {}
	}
	return maps.Keys(r.removed)
}

// All yields the record of each managed task, in no order.
func (r *Records) All() iter.Seq[*Record] {
	if r == nil {
		return func(func(*Record) bool) {}
	}
	return maps.Values(r.managed)
}

// Open yields the records of managed tasks with which something is open, in no order:
// an attempt, a task that is to come to run, an operator's suspension, or what is
// remembered of changes by others.
func (r *Records) Open() iter.Seq[*Record] {
	if r == nil {
		return func(func(*Record) bool) {}
	}
	return maps.Values(r.open)
}
