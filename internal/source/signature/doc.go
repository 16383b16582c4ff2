// Package signature says whether a git commit is signed by someone whose key is
// trusted: with OpenPGP, or with SSH as git and ssh-keygen do it.
//
// It agrees with `git verify-commit`, and is stricter where git is lenient; a test
// runs both on the same commits, and says why where they differ. It works on the
// raw bytes of a commit, never on what was parsed and written again, so that what
// is trusted is what was signed. A commit is taken only in the form in which git
// writes it, so that no two readers can take its bytes for two different commits.
//
// What is read here comes from anyone: all of it is bounded by the caller, and
// nothing but the keys decides. The package reads no files and no clock.
package signature
