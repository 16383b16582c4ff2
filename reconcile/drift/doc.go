// Package drift finds what others have changed, and decides what is done about it.
//
// A [Scanner] reads what is live of many tasks, list by list. A [Watcher] scans from time
// to time, beside the engine, and hands over what it has found. [Compare] says how a task
// differs from what was applied, [Decide] what the policy does about that, and [Evaluate]
// what is to be saved for a whole scan. [Import] takes a task over as it is live.
//
// # What may enter
//
// Reads of many tasks, comparisons and decisions. Nothing here sends a commit or writes
// the state: a heal is a call of a plan like any other, and what is to be saved is a
// result for the engine, of which the watcher sees an [Engine]. What does not depend on a
// scan is in package plan.
package drift
