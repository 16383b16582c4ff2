// Package calendar knows the times at which tasks are committed, and are not.
//
// A [Window] is open once, or every week, by the clock of its zone. Which tasks it is for
// is a pattern; what is done about it is for the guards of package plan to say. As there,
// the time is an argument.
package calendar
