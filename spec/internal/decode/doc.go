// Package decode makes nodes of YAML: one document after the other, or a long list in two
// halves at the same time. What nodes mean may not enter.
package decode
