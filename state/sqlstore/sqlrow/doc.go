// Package sqlrow is the rows of a state: what a record, an event, a command and the state as a
// whole look like in the columns of their tables, and the checksum that each row carries.
//
// What may enter: the form of a row, in each schema there has been, and the bounds of what
// is kept. Not the statements, a connection or a transaction.
package sqlrow

// Schema is the newest form of the rows. Earlier programs refuse a state with a newer one.
const Schema = 3
