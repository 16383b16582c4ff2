// Package notify notifies people of the events of a reconciler ([Notifier]): what becomes of
// each release, in channels (WeCom, Feishu, DingTalk, Slack, and webhooks), and the state
// of a revision on the forge, as the status of its commit.
//
// # What is sent, and how often
//
// A Notifier is a [reconcile.Observer], and never makes a reconciler wait.
//
// What requires action is a condition: it lasts until somebody has acted. A receiver is
// notified of each once for as long as it lasts. Which conditions there are follows from the
// state and the plan; which of them a receiver was notified of, and which it has still to
// be, is kept by a [Keeper]. So a restart loses none, whenever it comes, and repeats at most
// the message that was on its way.
//
// What requires no action is an event: it is queued, and the oldest is dropped and counted
// when more than 1,000 wait for a receiver. Each outcome of a release is sent once; a release
// is the same by task, version and outcome, whatever the words. A chat gets one summary for
// the tasks of a revision.
//
// A commit status is a level: the newest is set until the forge has it.
//
// # What a server can do to us
//
// Requests are package apiclient's. No key and no address of a channel gets into an error
// or a log; they are read anew for each request. What others wrote is one line of bounded
// length in a message, and calls nobody.
//
// # What may enter
//
// Which events there are, who is sent them, when, and what a message says. How a kind of
// receiver is written to is package receiver's. No comments on pull requests.
package notify
