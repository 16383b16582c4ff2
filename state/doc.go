// Package state is what has been applied: one record for each task, what the daemon
// as a whole remembers, the commands of operators, and the events of the history.
//
// It has the types, what makes a value of them one that cannot be, and what a store
// promises: the errors that it returns and what they mean. Decisions are made on these
// types, and stores keep them, so nothing of a store may enter here: no SQL, no driver,
// no file, no clock. Package sqlstore is the store.
//
// # What a store promises
//
// When it has saved a [Transition], the change is on the disk, and a power cut does
// not undo it. A Transition is there as a whole or not at all. After a failed write a
// store takes no more changes ([ErrBroken]): a new start finds out what the disk holds.
// [ErrFull] and [ErrBusy] say that nothing was written and that it may work later.
//
// A state is never begun anew over another one. A store refuses what belongs to
// another source ([ErrForeign]), is older than it was ([ErrRolledBack]), was written
// by a newer version ([ErrNewer]), is damaged ([ErrDamaged]) or has vanished
// ([ErrMissing]), and changes nothing then. An operator may accept it nevertheless.
package state
