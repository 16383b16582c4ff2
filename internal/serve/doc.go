// Package serve answers requests about the daemon: a status page, a JSON API, probes,
// metrics, and webhooks.
//
//	/                          the status page; /tasks, /task/{project}/{task}, /history
//	/events                    server-sent events: something has changed
//	/healthz, /readyz          the process is alive; nobody is needed
//	/metrics                   Prometheus; all names start with wedatasync_
//	/api/v1/…                  the same as JSON, described by /api/v1/openapi.yaml
//	POST /api/v1/commands      an operator's command; only with a token that may act
//	POST /webhook/{forge}      asks for a poll; only with a file of secrets
//
// # What it cannot do
//
// It decides nothing about a task and holds nothing that must survive; a daemon without it
// works the same. All that the body of a
// webhook can do, once it is known to be a forge's, is to say which branch was pushed: it
// asks for a poll or for nothing, so a replay is harmless.
//
// # Who reaches the port
//
// Requests for a host that nobody has named are refused, and where a token may read, reading
// needs one. A client without a token holds nothing that others need: connections, answers
// and exports are slots, and a newcomer gets that of the oldest holder. Probes and webhooks
// need only a connection.
//
// # Text from outside
//
// Task ids, descriptions, file names and messages are written by others. On the
// page they are text, escaped by html/template, and only in links of our own are
// they part of an attribute. The page has no inline script and no inline style, and
// its policy lets a browser run and load nothing but the embedded files.
//
// # The rooms
//
// serve/snapshot is the condition of the daemon, serve/page shows it to
// people, serve/metrics to Prometheus. serve/tasklist keeps the list of
// all tasks. serve/access decides who may do what, and serve/admission who
// holds a connection, an answer or an export. This package joins them: the server, its routes, the API,
// probes, commands and webhooks.
//
// # What may enter
//
// Routes, and the rules of HTTP. No decision about a task, no SQL, no credentials of the API,
// no text for people but errors.
package serve
