// Package wire reads and writes the messages of git's protocol for fetching: what a server
// says of itself, lists of refs, requests for packs and what comes before a pack. It knows
// version 2, and bounds what a server of versions 0 and 1 sends before go-git reads it.
//
// # Threats
//
// A server may send anything, without an end. So a line is at most 64 KiB, a list is read in
// a stream of which no more is kept than what is asked for, and what comes before a pack is
// bounded. Texts of a server are returned as they are: whoever shows them makes them safe.
//
// # Why not go-git
//
// go-git does not know version 2. It reads versions 0 and 1 here, but keeps as many refs and
// acknowledgements as a server likes to send.
//
// What may enter: bytes and what they mean. Not how they are carried, nor what a pack holds.
package wire
