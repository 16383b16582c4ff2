// Package chart draws the pictures of the status page as SVG: the dependencies of a task, how
// long releases took, and the pace of the calls.
//
// Each function is pure: a model in, an element out. Colours are classes of the page's style
// sheet, and no meaning is in a colour alone; each picture has a title and a description for
// those who cannot see it.
//
// # What may enter
//
// Geometry and markup. What a task's state means may not, nor a clock, nor I/O: the texts and
// tones are the caller's.
package chart
