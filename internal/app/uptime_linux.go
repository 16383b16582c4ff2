package app

import (
	"time"

	"golang.org/x/sys/unix"
)

// uptime is the time since the machine was started, with the time that it slept.
func uptime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return time.Duration(time.Now().UnixNano())
	}
	return time.Duration(t.Nano())
}
