// Package storetest is what a store of a state has to pass, whatever database keeps it:
// what is saved is what is read, whole or not at all, in order and within bounds; and
// the samples and generators for that. What is a database's own, such as files, locks
// and damage, is tested where that database is. Nothing but tests imports it.
package storetest
