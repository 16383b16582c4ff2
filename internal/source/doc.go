// Package source reads specs from where people keep them: a branch of a git
// repository, or a folder. Each is a [reconcile.Source].
//
// A [Git] source keeps a bare mirror with full history, without a worktree. A poll
// is one round trip; what is new is fetched in one more, found by comparing trees
// by their hashes, and only blobs that differ are read, and parsed where they differ. What was parsed is
// saved in the mirror, so that the first poll of a process is one like any other. A
// [Folder] is watched, and only what the system says was changed is read again. A
// [Repository] answers for any revision of a checkout, for plans in CI.
//
// What is read is data and nothing else. Whatever a repository or a server holds
// is bounded before memory is spent on it; no symbolic link is followed; no text
// of a repository becomes a path, a command or a URL. An error means that nothing
// was learned: the Set of the last poll stays what it was. A file that cannot be
// read or parsed is a complaint of that file, and never stops another.
//
// Go-git speaks the protocol, over http. It is kept from what it does not do safely
// or fast enough: connecting over ssh, where it obeys no deadline; keeping lists of
// refs and working out packs, where it spends memory as a server likes; and reading
// objects, where it may be used by one goroutine only and takes longer to open a
// pack than this package to read what has changed in it.
//
// The package may import reconcile and spec, and no other package of ours.
package source
