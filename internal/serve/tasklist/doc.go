// Package tasklist keeps the list of all managed tasks in memory, for the pages that search it.
//
// One goroutine at a time reads the state, and [Cache.Close] ends it and waits for it. The
// package does not know the meaning of a task's condition.
package tasklist
