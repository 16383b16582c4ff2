//go:build !race

package state_test

// slower is how many times fewer cases the tests of damage try.
const slower = 1
