// Package forge keeps the one comment of a pull request current ([Forge.Upsert]), sets
// the status of a commit ([Forge.SetStatus]), and reads what a CI job says of itself
// ([Detect]), on GitHub, GitLab and Gitea.
//
// It is a small client of our own, over the five requests that this takes. The three
// SDKs would add 11 modules and 2.3 MB to the program and still need that client around
// them: they read answers of any size, send the token along when a server points to
// another host (GitHub's), or repeat a create whose answer was lost, so that there are
// two comments (GitLab's).
//
// Of a link to the next page only the number is used, and the token is read anew for
// each request.
//
// What may enter: what the forges' APIs and CI jobs say, and how they are asked. Not
// what a comment says, which is package report's, nor events to people.
package forge
