package state_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// long asks for the tests that take minutes.
var long = flag.Bool("long", false, "run the long tests")

// roleEnv names what a copy of the test binary is to be instead of a test.
const roleEnv = "WEDATASYNC_STATE_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleEnv)
	if role == "" {
		os.Exit(m.Run())
	}
	roles := map[string]func(path string) error{
		"writer":  writeForever,
		"starter": startOnce,
		"reader":  readPairs,
		"saver":   saveTillError,
	}
	if err := roles[role](os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
