package spec

import (
	"time"

	"gopkg.in/yaml.v3"
)

// The bounds of a wait, and how long it is where a spec does not say.
const (
	minWait     = 10 * time.Second
	maxWait     = 24 * time.Hour
	defaultWait = 10 * time.Minute
)

// waitRunning is the one status that a task is followed to.
const waitRunning = "running"

// wait reads how long a task may take to run, or reports why that is not said and
// returns 0.
func (r *reader) wait(n *yaml.Node) time.Duration {
	if !r.isMapping(n, "wait") {
		return 0
	}
	before := r.errors
	var status *yaml.Node
	d := defaultWait
	for key, value := range r.fields(n, waitKeys[:]) {
		switch key {
		case "status":
			status = value
			if r.isScalar(value, "wait.status") && value.Value != waitRunning {
				r.errorf(value, "bad-wait-status", "wait.status must be %s, not %s: a start is followed until the task runs", waitRunning, quote(value.Value))
			}
		case "timeout":
			d = r.timeout(value)
		}
	}
	if status == nil && !r.guessed("status") {
		r.errorf(n, "missing-key", "wait has no status: add status: %s", waitRunning)
	}
	if r.errors > before {
		return 0
	}
	return d
}

// timeout reads a time such as 90s, 10m or 1h30m.
func (r *reader) timeout(n *yaml.Node) time.Duration {
	if !r.isScalar(n, "wait.timeout") {
		return 0
	}
	d, ok := hoursMinutesSeconds(n.Value)
	switch {
	case !ok:
		r.errorf(n, "bad-timeout", "wait.timeout must be a time such as 90s, 10m or 1h30m, not %s", quote(n.Value))
	case d < minWait || d > maxWait:
		r.errorf(n, "timeout-out-of-range", "wait.timeout %s is not from 10s to 24h: correct it", quote(n.Value))
	default:
		return d
	}
	return 0
}

// hoursMinutesSeconds reads whole hours, minutes and seconds, in this order, each
// at most once and not more than five digits long.
func hoursMinutesSeconds(s string) (d time.Duration, ok bool) {
	for _, unit := range []struct {
		name byte
		is   time.Duration
	}{{'h', time.Hour}, {'m', time.Minute}, {'s', time.Second}} {
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
