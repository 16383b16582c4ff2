// Package approval says what becomes of a commit that waits for an approval in WeData: what
// the list of approvals tells of it, and what that means beside what is live. What is live
// always wins.
//
// What may enter: pure functions of a record and what was read. Asking for the list is
// package listing's to do.
package approval
