// Package command carries out the one-shot commands: a plan against the state, against
// what is live or between two revisions, an import, the adoption of specs, and the
// commands of operators.
//
// What may enter: one command from its settings to its result. How a result is shown
// belongs to cmd/wedatasync and internal/report.
package command
