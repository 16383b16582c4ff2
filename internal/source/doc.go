// Package source reads specs from where people keep them: a branch of a git repository,
// or a folder. Each is a [reconcile.Source].
//
// A [Git] source keeps a bare mirror with full history, without a worktree. A poll is one
// round trip; what is new is fetched in one more, and only blobs that differ are read and
// parsed. What was parsed is saved in the mirror, so that the first poll of a process
// costs no more than any other. A [Repository] answers for any revision of a checkout, for
// plans in CI. A folder is the source of package folder.
//
// What is read is data and nothing else. No symbolic link is followed; no text of a
// repository becomes a path, a command or a URL. An error means that nothing was learned:
// the Set of the last poll stays what it was.
//
// What may enter: which revision is the newest, whether it may be believed, and what a
// source keeps from one to the next. Not how git keeps objects (package gitstore) and lays
// out a checkout (package gitrepo), how a server is reached (package gitremote), how a
// folder is watched (package folder), nor which files are specs and what they say (package
// specfiles).
package source
