// Package progress decides how far the release of a revision is: when it began, what it
// asked for, and whether it is under way, held, done, failed or overtaken.
//
// What may enter: decisions on a plan. A context, a lock, a clock and I/O may not.
package progress
