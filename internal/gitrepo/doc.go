// Package gitrepo opens a repository on this disk where git keeps it, and reads its refs:
// a clone, a linked work tree, a submodule, a bare repository.
//
// It reads what git reads. Of a configuration only that counts which changes where work
// tree, objects or refs are. Whatever else is configured stops nothing: extensions that are
// not known, keys and includes that are broken, an owner that git would call dubious
// (nothing that is configured is ever run). A repository whose objects or refs are stored
// in another way is refused with its name for it.
//
// What a clone of the same repository would not have is not looked at. Replacements
// (refs/replace) and grafts are of one checkout alone: a plan is about the objects that
// were merged and signed, which others have, too. The end of a shallow clone is no
// beginning of a history: who asks for more gets an error.
//
// A name stands for one commit. Where git would pick one of several and warn, such as a
// tag and a branch of one name, it is refused.
//
// What may enter: where git keeps a repository, and what names in it stand for. Not what
// objects hold (package gitstore), nor what is read for: no specs, no plans.
package gitrepo
