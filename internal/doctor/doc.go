// Package doctor examines an installation and reports what is not as a daemon needs it:
// its configuration, its secrets, the state, the repository, the endpoint, the clock,
// the credentials and what they permit.
//
// It works while a daemon runs, and changes nothing: each check is given what it may read
// and nothing that could write. Every check is made, whatever became of the others,
// and none takes longer than it may.
//
// What may enter: what can be wrong with an installation, and what to do about it. How
// the tasks stand is for `status` to say.
package doctor
