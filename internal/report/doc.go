// Package report writes a [plan.Plan] for readers: as text for a terminal,
// as JSON for programs, as markdown for one comment on a pull request, and as
// annotations for GitHub and GitLab. It writes the same for what has no plan: a
// plan that could not be made ([Failure]), a check of the specs alone
// ([Validation]) and what a pass has done ([ResultText]).
//
// Every renderer is a pure function of its arguments. The same plan gives the
// same bytes, so that a comment is only edited when it says something else.
//
// # Text from outside
//
// Task ids, descriptions, file names and messages are written by others. None of
// it reaches a reader as anything but text:
//
//   - Every output writes what does not print (control characters, marks that
//     turn the direction of writing, broken UTF-8) as an escape, so that a line
//     stays one line and shows all that is in it.
//   - In markdown it stands only inside code spans and fences, where nobody is
//     mentioned and nothing is linked, and never with the characters that end
//     a span or a table's cell.
//   - No output can start a workflow command in the log of a CI job.
//   - Values of extConfig are masked unless a person asks for them.
//
// # What may enter
//
// Words, order and escaping. Not decisions: what is sent, held or approved is in
// the plan. No input or output but an io.Writer, and no clock.
package report
