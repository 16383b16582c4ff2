// Package reconcile is the engine: it has the specs compared with what was applied, and
// makes the calls that are missing.
//
// The [Reconciler] is made of five parts, each with a lock rule of its own: what is
// desired, what has been applied, the watcher of drift, the health of the engine, and the
// outbox of outcomes that could not be written. It carries a plan out, one call of it like
// this:
//
//		pending -> intent -> applied | refused | waiting | unknown
//
//	 1. What is live is read and kept as the attempt's before.
//	 2. The connection is there, and the call has its turn.
//	 3. The intent is saved, durably. Only then may a byte of the request leave.
//	 4. One request is sent, in its slot: evenly paced, under the API's limit.
//	 5. What the answer means is saved, durably, before anything else is done for
//	    the task.
//
// A call goes down call.go to the wire, and its outcome comes back up outcome.go.
//
// Passes are level-triggered: each compares anew, so that nothing depends on an event
// that was seen or missed. A pass carries out what operators have asked for, plans, makes
// the calls while it reads back what is in doubt, and then notes which tasks are no longer
// managed, as their specs are gone, and which are again. Between two calls it looks
// whether a pause, a freeze window, an operator's command or a newer revision has come up;
// what is under way then still gets its answer.
//
// # What holds, whatever dies in between
//
//   - One intent sends at most one request.
//   - An attempt whose outcome is not known is never repeated blindly. It is read
//     back, and settled by proof ([proof.Evaluate]) or by an operator.
//   - Absence is never an action: a spec that is gone makes no call.
//   - What is live makes a call only where the [plan.DriftPolicy] is to heal, only by what
//     a read just before it shows, and once for each change.
//   - One task, and one file, never stops another.
//   - When the state cannot be written, nothing more is sent.
//
// # What may enter
//
// Goroutines, locks and the order of steps. Not decisions: they are in package plan, and
// those about drift in package drift. Not formats, not the API's wire, not SQL: the engine
// reaches them through the small interfaces in ports.go.
package reconcile
