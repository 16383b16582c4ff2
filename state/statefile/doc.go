// Package statefile is the files of a state on a disk: where they lie, which process holds
// them, and the head, one line with the newest serial, which tells an old copy of the
// database from the newest one.
//
// What may enter: paths, locks, and writes that are durable or not there. Not what is in the
// database.
package statefile
