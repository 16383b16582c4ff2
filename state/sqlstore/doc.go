// Package sqlstore keeps a state in an SQL database. How a change is kept is its job;
// why one is made is not: nothing that decides may enter here.
//
// # Files
//
// The state is an SQLite database, and can be read with any tool for it while it
// is in use. Beside it lie its log (-wal and -shm, while it is in use), the lock
// file (.lock), which says who holds it, and the head (.head), one line with the
// newest serial, which tells an old copy of the database from the newest one.
// Each row has a checksum; each event carries the hash of the one before.
//
// # Who may do what
//
// One process holds a state, with a [Store]. Any number may look at it with a
// [Reader], which has no method that writes, and leave a [state.Command] with [Enqueue]
// for the one that holds it. [Open] refuses what is not the newest state of its source;
// an operator may say that it is right nevertheless: [Accept].
//
// # Dialects
//
// The statements of schema.go are SQL that SQLite and PostgreSQL share. What is
// SQLite's own is in sqlite.go. Package storetest is what a store has to pass, whatever
// database keeps it.
package sqlstore
