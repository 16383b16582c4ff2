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
// # Why not go-git
//
// go-git reads and writes the messages of the protocol. What carries them is ours: its http
// drops what a server says, and its ssh obeys no deadline while it shakes hands, and reads
// the user's own configuration and agent. It keeps as many refs and acknowledgements as a
// server likes to send.
//
// What may enter: addresses, sessions, credentials and what can be wrong with them, as an
// [Error] with a hint. Not what a pack holds.
package gitremote
