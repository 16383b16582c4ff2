// Package admission decides who holds a connection, an answer in memory or an export.
//
// Nobody is kept out: a newcomer gets the slot of the oldest holder, once that one has had it
// for some time, unless the holder has shown a token. The package reads no token and answers
// no request.
package admission
