// Package socket is the Unix socket next to a state, over which a command on the same machine asks
// the daemon for the plan that it has, in place of making one from all specs and records.
//
// A daemon answers only if its plan is the one that the command would make: by the same
// settings, for the newest revision, and between two passes. Anything else is no error: the command
// makes its own. The file's mode lets nobody ask but the daemon's user.
//
// The package knows a plan as a value. It does not decide when one is current.
package socket
