// Package plan decides. It compares what the specs say with what was applied, and says
// which calls are missing and why; it says what an answer, or a read, makes of a task's
// record, and what becomes of an operator's command.
//
// [Diff] makes a [Plan] of specs, records and a time. [Guards.Check] filters one: it never
// adds to it. [proof.Evaluate] says what a read proves of a commit whose outcome is not known.
// Functions that return a [state.Record] return the one to save; they save nothing.
//
// # What may enter
//
// Functions over plain values. They are pure and total: the same input gives the same
// output, and what changes with time, chance or configuration is an argument. So there is
// no context, no lock, no goroutine, no clock, no disk and no network here, and no type
// with a method that writes: a plan that is only shown cannot do anything. A test holds the
// imports to that.
package plan
