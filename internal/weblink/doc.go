// Package weblink makes the addresses of pages of others: a commit, its CI runs and a file in
// the forge, and a task in the WeData console.
//
// An address is built from the settings: the source's URL and the console's template. What
// comes from elsewhere, such as a revision or a file's name, is one escaped part of it. Where
// the settings do not tell an address, it is empty.
//
// # What may enter
//
// Pure functions over strings. No request, and no markup.
package weblink
