package sqlstore_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

var (
	long   = flag.Bool("long", false, "run the tests that take minutes as well")
	update = flag.Bool("update", false, "write the golden files, and the fixture of the newest schema if there is none")
)

// roleEnv names what a copy of the test binary is to be instead of a test.
const roleEnv = "WEDATASYNC_STATE_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleEnv)
	if role == "" {
		// The laws that are checked here write files: fewer cases, unless asked for more.
		if err := flag.Set("rapid.checks", "30"); err != nil {
			panic(err)
		}
		os.Exit(m.Run())
	}
	roles := map[string]func(path string) error{
		"writer":   writeForever,
		"starter":  startOnce,
		"reader":   readPairs,
		"saver":    saveTillError,
		"careless": writeCarelessly,
	}
	if err := roles[role](os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
