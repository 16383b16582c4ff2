// Package status is the condition of a daemon as a document: what /api/v1/status answers, what
// a daemon leaves in a file beside its state, and what the command status shows.
//
// What may enter: how a [snapshot.Snapshot] is written down, and the file. No HTTP, and no
// decision about what the condition is.
package status
