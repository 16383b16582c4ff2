//go:build !unix

package sqlstore_test

import (
	"os/exec"
	"time"
)

// becomeNobody does nothing: the tests that call it are skipped where nobody is root.
func becomeNobody(*exec.Cmd) {}

// cpuTime is not known here.
func cpuTime() time.Duration { return 0 }
