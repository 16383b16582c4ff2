// Package release says what one revision asked for, what was sent for it, what it waited
// for, how long it took and what has become of it. The command line, the API and the pages
// render it.
//
//	list := release.Newest(&control, 20)           // without tasks, the newest first
//	r, err := release.Find(&control, "3f2a")       // by revision, or a unique prefix of it
//	r, err := release.Read(ctx, reader, "3f2a")    // the same, with its tasks
//
// What is known of a release as a whole is in [state.Control]; it reaches back to the
// newest [state.MaxReleases]. What was sent for each task is in the history.
//
// What may enter: decisions on what the state holds, read through a [Reader]. Markup,
// escaping, a store and a clock may not: texts are as others wrote them.
package release
