// Package specfiles finds the spec files of a folder, whoever keeps it: which entries are
// specs, where two trees differ, what the files that differ say, and what one revision may
// cost.
//
// Everything that a repository holds is bounded by the [Budget] of a revision before
// memory or time is spent on it. No symbolic link and no submodule is followed. An entry
// that is named as a spec and not read is a complaint of its own file, and never stops
// another.
//
// What may enter: rules, the comparison of trees of package gitstore, parsing in
// parallel, the index of what was parsed. Not where a tree comes from.
package specfiles
