// Package notify tells people on the forges and in chat: it keeps the one comment
// of a pull request current ([Forge.Upsert]).
//
// The forges are spoken to by a small client of our own, over the four requests
// that this takes. Their three SDKs would add 11 modules and 2.3 MB to the program
// and still need that client around them: they read answers of any size, send the
// token along when a server points to another host (GitHub's), or repeat a create
// whose answer was lost, so that there are two comments (GitLab's).
//
// # What a server can do to us
//
//   - Answers are bounded, and lists are read one element at a time.
//   - Requests and the waits between them end with the context and with a bound of
//     their own. Retry-After and the times of rate limits are obeyed, and given up
//     on at once if they last longer than that.
//   - Redirects to another host are refused, and of a link to the next page only
//     the number is used.
//   - No token gets into an error or a log, even if the server repeats it.
//
// # What may enter
//
// Who is told, how, and what its API answers. Not what is said: a comment's text
// is package report's.
package notify
