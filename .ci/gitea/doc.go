// Package gitea tries the program with a real Gitea, which is built from its module. It is
// a module of its own, so that the program does not depend on any of it.
package gitea
