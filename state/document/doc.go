// Package document is a whole state as one JSON document: format_version, lineage, serial,
// identity, control, records and history, in this order. A document is written and read
// element by element: neither takes more memory than its largest one.
//
// What may enter: the form of the document, its versions and its bounds. Not where a state
// is kept, and not what a state that is made of a document may do.
package document
