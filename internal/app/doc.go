// Package app is the daemon's life: it builds the rooms from the settings, joins
// them, starts them, lets them take over settings that change, and takes them down
// again. The commands of cmd/wedatasync are
// thin over it.
//
// What may enter: settings, wiring and order of start, reload and stop. No decision about
// a task is made here.
package app
