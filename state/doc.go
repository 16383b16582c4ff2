// Package state keeps what has been applied: one durable record a task, what the
// daemon as a whole remembers, and an append-only history of all that was done.
//
// # Promises
//
// When [Store.Save] returns nil, the change is on the disk, and a power cut does
// not undo it. A [Transition] is there as a whole or not at all. After a failed
// write a [Store] takes no more changes: what the disk then holds is found out by
// a new start.
//
// A state is never begun anew over another one. [Open] refuses what belongs to
// another source ([ErrForeign]), is older than it was ([ErrRolledBack]), was
// written by a newer version ([ErrNewer]), is damaged ([ErrDamaged]) or has
// vanished ([ErrMissing]), and changes nothing then. A person may say that it is
// right nevertheless: [Accept].
//
// # Files
//
// The state is an SQLite database, and can be read with any tool for it while it
// is in use. Beside it lie its log (-wal and -shm, while it is in use), the lock
// file (.lock), which says who holds it, and the head (.head), one line with the
// newest serial, by which an old copy of the database is known for what it is.
// Each row has a checksum; each event carries the hash of the one before.
//
// # Who may do what
//
// One process holds a state, with a [Store]. Any number may look at it with a
// [Reader], which has no method that writes, and leave a [Word] with [PostWord] for
// the one that holds it.
//
// The types of the state are here as well, so that decisions can be made on them
// without a database. What decides belongs elsewhere: this package knows how a
// change is kept, not why it is made.
package state
