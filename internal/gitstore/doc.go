// Package gitstore reads git objects: packs, their indexes, deltas, trees, commits and
// what they descend from. It takes in packs that a server sends.
//
// # Threats
//
// Whoever can push, and whoever answers in place of the server, chooses every byte that
// is read here. So
//   - an object is checked against its name whenever it is read, and a pack that is
//     taken in is hashed in a way that finds contents that were made to collide;
//   - a size is compared with a bound before memory is spent on it: of an object, a tree,
//     a commit, a pack, the objects of a pack, a chain of deltas, of which one at a time
//     is in memory;
//   - what a small pack unpacks to is streamed, or kept in a buffer that goes to disk;
//   - a pack is stored whole or not at all, and never without the commit that was asked
//     for;
//   - no name in a tree leads out of its folder, and no name becomes a path here.
//
// An error is of one of four kinds: [ErrTooLarge] met a bound, [ErrDamaged] is about the
// files on disk, packfile.ErrMalformedPackFile about a pack that was sent, and
// [DiskError] about the disk that it was written to.
//
// # Why not go-git
//
// go-git's reader builds an index in memory before it reads the first object, serves one
// goroutine, and allocates what a pack claims to hold. Its types for hashes, commits and
// kinds of objects are used, and its code for one delta in memory.
//
// What may enter: how git keeps objects and what follows from them alone. Not specs, not
// servers, not refs; and no other package of ours.
package gitstore
