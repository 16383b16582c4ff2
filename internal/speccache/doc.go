// Package speccache keeps what spec files parse to, in one file of a mirror, so that the
// next process need not parse them again.
//
// A file is known by the hash of its blob: what it says depends on nothing else, so one
// cache is good for every branch and path. It is believed by programs with the format and
// the [spec.Fingerprint] of the one that wrote it, if its checksum fits; by all others,
// and damaged, it is left alone. It is written whole, under another name, and then takes
// the place of the old one: it may be read beside the process that writes it.
//
// Nothing of git, of a source or of a Set may enter.
package speccache
