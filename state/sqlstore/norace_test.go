//go:build !race

package sqlstore_test

// slower is how many times fewer cases the tests of damage try.
const slower = 1
