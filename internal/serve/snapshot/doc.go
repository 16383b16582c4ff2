// Package snapshot is the condition of the daemon at one moment, for all that show it.
//
// A [Tracker] follows the passes of the reconciler. [Daemon.Snapshot] joins what it has seen
// with the reconciler's status and with the plan, counted once. Everything else is a pure
// function of a [Snapshot]: the state of a task ([explain.State]), why it is so ([Why]), what to
// type ([Commands]), and why an operator is needed ([Readiness]).
//
// # What may enter
//
// The meaning of a status, a plan and records to people. No HTTP, no HTML, no reading of the
// state, no decision about a task.
package snapshot
