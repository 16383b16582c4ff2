package parts

import (
	"time"

	"golang.org/x/sys/unix"
)

// Uptime is the time since the machine was started, with the time that it slept.
func Uptime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return time.Duration(time.Now().UnixNano())
	}
	return time.Duration(t.Nano())
}
