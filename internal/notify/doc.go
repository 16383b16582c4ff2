// Package notify sends people the events of a reconciler ([Notifier]): what becomes of
// each release to channels (WeCom, Feishu, DingTalk, Slack, and webhooks), and the state
// of a revision to the forge, as the status of its commit.
//
// # What is sent, and how often
//
// A Notifier is a [reconcile.Observer], and never makes a reconciler wait: events are
// queued, at most 1,000 for a receiver, and the oldest is dropped and counted when there
// are more. A release of a task is sent once for each outcome; a release is the same by
// task, version and outcome, whatever the words. What the state knew before the start
// counts as sent. What concerns a whole plan (held, broken specs) may be sent again after
// a restart. Events that come close together share a message, as long as it takes them.
//
// An answer that is lost can make a message come twice; a webhook has an id to know
// it by.
//
// # What a server can do to us
//
// Requests are package apiclient's. No key and no address of a channel gets into an error
// or a log; they are read anew for each request. What others wrote is one line of bounded
// length in a message, and calls nobody.
//
// # What may enter
//
// Which events there are, who is sent them, and one file for each kind of receiver. Not
// how requests are repeated, and no comments on pull requests.
package notify
