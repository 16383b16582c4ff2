// Package page is the status page: the templates, and the view models that they show.
//
// Each view is built by pure functions from one [snapshot.Snapshot], the list of tasks and
// rows of the history, and then written in one go. [Pages] has a handler for each page; the
// routes are the caller's.
//
// # What may enter
//
// View models, templates, and the files that a browser loads. No decision about a task, and no
// check of rights: the caller has checked them before it calls a handler.
package page
