// Package receiver is how each kind of receiver is written to: what a request to it holds,
// how it is signed, how long a message may be and how many may come, and what its answers
// mean.
//
// What may enter: one file for each kind, by its documentation. Not what a message says,
// when it is sent, or whether it is sent again.
package receiver
