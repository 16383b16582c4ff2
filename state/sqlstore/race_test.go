//go:build race

package sqlstore_test

// slower is how many times fewer cases the tests of damage try: the race detector
// slows them down as much, and they have nothing to race with.
const slower = 40
