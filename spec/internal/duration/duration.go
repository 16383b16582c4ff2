// Package duration reads and writes times such as 90s, 10m or 1h30m. Nothing but that is
// in here.
package duration

import (
	"strconv"
	"time"
)

// Parse reads whole hours, minutes and seconds, such as 1h30m, in this order, each at
// most once and not more than five digits long.
func Parse(s string) (d time.Duration, ok bool) {
	for _, unit := range units {
		n, digits := time.Duration(0), 0
		for digits < len(s) && digits < 5 && s[digits] >= '0' && s[digits] <= '9' {
			n = 10*n + time.Duration(s[digits]-'0')
			digits++
		}
		if digits > 0 && digits < len(s) && s[digits] == unit.name {
			d, s, ok = d+n*unit.is, s[digits+1:], true
		}
	}
	return d, ok && s == ""
}

// Format writes whole seconds so that Parse reads them.
func Format(d time.Duration) string {
	s := ""
	for _, unit := range units {
		if n := d / unit.is; n > 0 || s == "" && unit.name == 's' {
			s += strconv.FormatInt(int64(n), 10) + string(unit.name)
		}
		d %= unit.is
	}
	return s
}

var units = []struct {
	name byte
	is   time.Duration
}{{'h', time.Hour}, {'m', time.Minute}, {'s', time.Second}}
