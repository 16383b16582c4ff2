//go:build unix

package sqlstore_test

import (
	"os/exec"
	"syscall"
	"time"
)

// nobody is the user who may only read.
const nobody = 65534

// becomeNobody has the process run as another user, which only root can arrange.
func becomeNobody(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

// cpuTime returns how long this process has used a processor.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
