// Package tasklist keeps the list of all managed tasks in memory, for the pages that search it.
//
// It reads the state, and nothing else does on its behalf: a list is read in one goroutine
// at a time, which [Cache.Close] ends and waits for. What a task's condition means is not
// decided here.
package tasklist
