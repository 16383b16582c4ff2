// Package explain says what condition a task is in: its state, why, since when, what comes
// next, and what an operator can type. Text, pages, chats, comments, the API and the
// command line render it; none of them has words of its own for it.
//
// What may enter: pure functions of a change and a record. Markup, escaping and the way
// times are written belong to who renders: what a [Condition] says can hold text that
// others wrote.
package explain
