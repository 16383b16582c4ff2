// Package wedata is the API: it sends CommitIntegrationTask, reads tasks back,
// and says what an answer means.
//
// # One commit is one request
//
// A [Client] sends a commit at most once and never repeats, redirects or hides
// anything: the SDK's retries, its region switch and its debug log are off, and
// each commit has a connection of its own, because a kept one that the server has
// just closed turns a commit into an unknown outcome for nothing. What was written
// is known from the wire (net/http/httptrace), not from the text of an error.
//
// # What an answer means
//
// [Classify] is a pure function from a [Response] to a [state.Outcome], read
// strictly: only an answer that can mean one thing is taken to mean it. All else,
// once the request's headers were written, is [state.ClassUnknown].
//
// # What may enter
//
// What is true of WeData and of Tencent Cloud's API 3.0: names, codes, signatures,
// credentials. When to send, and what to do about an outcome, is the business of
// package reconcile.
package wedata
