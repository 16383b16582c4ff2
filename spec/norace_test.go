//go:build !race

package spec_test

const slowdown = 1
