// Package admission decides who may hold what there is little of: connections, answers in
// memory, exports.
//
// Nobody is kept out: a newcomer gets the slot of the one that has held its own for longest,
// once that one has had it for some time, unless its request has shown a token. The package
// reads no token and answers no request.
package admission
