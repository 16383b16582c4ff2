// Package usage explains a command line: how commands are called, and which command or flag
// was probably meant.
//
// What may enter: what is true of every cobra command. What a command of wedatasync does may
// not.
package usage
