// Package reconcile is the heart: it compares what the specs say with what was
// applied, and makes the calls that are missing.
//
// [plan.Diff] is pure. It takes the specs, the records of the state and a time, and
// returns a [plan.Plan]: which tasks are not as their spec says, why, and which calls
// that takes. The guards ([plan.Guards.Check]) filter a plan; they never add to it.
// The [Reconciler] carries a plan out, one call of it like this:
//
//		pending -> intent -> applied | refused | waiting | unknown
//
//	 1. What is live is read and kept as the attempt's before.
//	 2. The intent is saved, durably. Only then may a byte of the request leave.
//	 3. One request is sent, in its turn: evenly paced, under the API's limit.
//	 4. What the answer means is saved, durably, before anything else is done for
//	    the task.
//
// Passes are level-triggered: each compares anew, so that nothing depends on an event
// that was seen or missed. A pass obeys what people have asked for, plans, makes the
// calls while it reads back what is in doubt, and then notes which tasks are no longer
// managed, as their specs are gone, and which are again. Between two calls it looks
// whether a pause, a freeze window, a person's word or a newer revision has come up; what
// is under way then still gets its answer.
//
// # What holds, whatever dies in between
//
//   - One intent sends at most one request.
//   - An attempt whose outcome is not known is never repeated blindly. It is read
//     back, and settled by proof ([plan.Evaluate]) or by a person.
//   - Absence is never an action: a spec that is gone makes no call.
//   - What is live makes a call only where the [plan.DriftPolicy] is to heal, only by what a
//     read just before it shows, and once for each change.
//   - One task, and one file, never stops another.
//   - When the state cannot be written, nothing more is sent.
//
// # What may enter
//
// Rules, decisions and the order of steps. Not formats, not the API's wire, not
// SQL: the package reaches them through the small interfaces it declares here
// ([Source], [Committer], [Ledger], [Reader]). Diff, the guards, the back-offs and
// the judgement read no clock, disk or network: the time is an argument.
package reconcile
