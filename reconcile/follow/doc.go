// Package follow decides whether a task that was started has become what its spec waits
// for: it runs, it does not restart, it is not behind, and all that stays true for a while.
//
// What happens to what depends on the task is not its matter. It has no clock and does no
// I/O: the same observations at the same time give the same verdict. A figure that WeData
// does not tell makes a task neither healthy nor failed.
package follow
