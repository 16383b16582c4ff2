// Package worktree finds the git work tree that a file is in, and what git would add to it.
//
// What may enter: reading the folders and the ignore files on the way. It runs no git and
// opens no repository.
package worktree
