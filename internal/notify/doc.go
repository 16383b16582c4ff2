// Package notify tells people on the forges and in chat. It keeps the one comment
// of a pull request current ([Forge.Upsert]). Beside a reconciler ([Notifier]) it
// shows how a revision stands, as the status of its commit, and tells channels what
// becomes of each release: WeCom, Feishu, DingTalk, Slack, and webhooks.
//
// The forges are spoken to by a small client of our own, over the five requests
// that this takes. Their three SDKs would add 11 modules and 2.3 MB to the program
// and still need that client around them: they read answers of any size, send the
// token along when a server points to another host (GitHub's), or repeat a create
// whose answer was lost, so that there are two comments (GitLab's).
//
// # What is told, and how often
//
// A Notifier is a [reconcile.Observer], and never makes a reconciler wait: what is to
// be told is queued, at most 1,000 events for a receiver, and the oldest is dropped
// and counted when there are more. A release of a task is told once for each outcome;
// what makes it the same is who, which version and what came of it, and never a
// word. What the state knew before the start counts as told. What concerns a whole
// plan (held, broken specs) may be told again after a restart. Events that come
// close together share a message, as long as it takes them.
//
// An answer that is lost can make a message come twice; a webhook has an id to know
// it by.
//
// # What a server can do to us
//
//   - Answers are bounded.
//   - Requests and the waits between them end with the context and with a bound of
//     their own. Retry-After and the times of rate limits are obeyed, and given up
//     on at once if they last longer than that.
//   - Redirects to another host are refused, and of a link to the next page only
//     the number is used.
//   - No token, no key and no address of a channel gets into an error or a log, even
//     if the server repeats it. They are read anew for each request.
//   - What others wrote is one line of bounded length in a message, and calls nobody.
//
// # What may enter
//
// Who is told, how, and what its API answers. Not what is said: a comment's text
// is package report's.
package notify
