// Package text makes text that others wrote safe to print, to keep and to copy: it is cut
// to a bound without breaking a character ([Clip]), put on one line of what can be seen
// ([OneLine]), shown with escapes for what cannot be seen ([Printable], [Quote]) or what a
// runner of CI would take for a command ([Visible], [NoCommands]), or made one word of a
// shell ([ShellWord]). [Hidden] is the one rule for what can be seen. [Closest] finds the word
// that a mistyped one was probably meant to be.
//
// What may enter: functions from text to text that hold for every input, each with its
// law in FuzzText. Not what a text is about, and no I/O beyond a writer.
package text
