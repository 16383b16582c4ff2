// Package proof says what a read proves of a commit: that it happened, that it did not and
// no longer can, or that reads will not tell. A proof is a trace that this commit would leave,
// and nothing else did.
//
// What may enter: pure functions of an attempt and what was read. What becomes of the record
// is package plan's to say.
package proof
