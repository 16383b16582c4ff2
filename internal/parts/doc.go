// Package parts makes what the daemon and the one-shot commands are built of, from the
// settings: the log, the client of the API, the source and the state.
//
// What may enter: constructors. The caller owns what is made, and closes it.
package parts
