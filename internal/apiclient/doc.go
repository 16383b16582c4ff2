// Package apiclient sends requests to the APIs of others, again as far as that may help
// and can do no harm, and says what went wrong.
//
//   - Answers are bounded.
//   - Requests and the waits between them end with the context. Retry-After and the
//     times of rate limits are obeyed, and given up on at once if they last longer.
//   - Redirects to another host are refused.
//   - No secret of a request gets into an error or a log, even if the server repeats it.
//
// What may enter: how a request is sent, repeated and given up. Not what is asked, nor
// what an API's answers mean.
package apiclient
