// Package app is the daemon's life: it builds the rooms from the settings, joins
// them, starts them, lets them take over settings that change, and takes them down
// again.
//
// What may enter: wiring and the order of start, reload and stop. No decision about
// a task is made here.
package app
