// Package gitremote reaches the server of a git repository: over https, http and ssh, or
// on this machine through the git command. It asks where a branch is, in one round trip,
// and for a pack.
//
// # Threats
//
// A server, and whoever is between it and us, may answer anything, slowly or without an
// end. So what it makes us keep is bounded: the list of refs, the acknowledgements, what
// it says beside a pack, redirects, headers. A host is trusted for a certificate or a key
// in known_hosts alone. Credentials are read from files at each use, go to the one host
// that the user named and over http only where that was allowed, and are taken out of
// every error. Nothing of the user's own configuration of ssh is read.
//
// # Versions of the protocol
//
// A server is asked for version 2, in which a poll is one small request whatever the number
// of refs. What it says of itself is remembered, also by the next process; when an answer does
// not fit that, it is asked anew, in the same conversation. A server of another version begins with the
// list of all its refs, as it did before.
//
// # Why not go-git
//
// go-git reads and writes the messages of versions 0 and 1. Those of version 2 are package
// wire's. What carries them is ours: go-git's http
// drops what a server says, and its ssh obeys no deadline while it shakes hands, and reads
// the user's own configuration and agent.
//
// What may enter: addresses, sessions, credentials and what can be wrong with them, as an
// [Error] with a hint. Not what a pack holds.
package gitremote
