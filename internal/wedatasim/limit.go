package wedatasim

import "time"

// defaultLimit is the documented limit of each action, in requests a second.
const defaultLimit = 20

// Window says how a server counts the requests of a second.
type Window int

// The windows. WeData's document does not say which it has.
const (
	Sliding Window = iota // no second, wherever it begins, holds more than the limit: the strictest
	Fixed                 // no second of the clock does
)

// String returns the window's name.
func (w Window) String() string {
	if w == Fixed {
		return "fixed"
	}
	return "sliding"
}

// windowKey is what is counted apart.
type windowKey struct{ uin, region, action string }

// window remembers the requests of the last second.
type window struct{ counted []time.Time }

// allow counts a request at now and reports whether it is within the limit.
func (w *window) allow(now time.Time, opts *Options) bool {
	if opts.Limit < 0 {
		return true
	}
	start := now.Add(-time.Second)
	if opts.Window == Fixed {
		start = now.Truncate(time.Second).Add(-1)
	}
	old := 0
	for old < len(w.counted) && !w.counted[old].After(start) {
		old++
	}
	w.counted = w.counted[old:]
	ok := len(w.counted) < opts.Limit
	if ok || opts.CountRejected {
		w.counted = append(w.counted, now)
	}
	return ok
}

// Load is the most requests that any one second held.
type Load struct {
	Fixed   int `json:"fixed"`   // in a second of the server's clock
	Sliding int `json:"sliding"` // in any second
}

// Loads are the loads of one action.
type Loads struct {
	All      Load `json:"all"`
	Accepted Load `json:"accepted"` // without those over the limit
}

// Windows returns the loads of the action over the whole ledger.
func (s *Server) Windows(action string) Loads {
	var all, accepted []time.Time
	for _, e := range s.Ledger() {
		if e.Action != action {
			continue
		}
		all = append(all, e.At)
		if e.Code != codeThrottled {
			accepted = append(accepted, e.At)
		}
	}
	return Loads{All: loadOf(all), Accepted: loadOf(accepted)}
}

// loadOf returns the load of requests in order of time.
func loadOf(times []time.Time) Load {
	var l Load
	first, second, inSecond := 0, int64(0), 0
	for i, t := range times {
		for t.Sub(times[first]) >= time.Second {
			first++
		}
		l.Sliding = max(l.Sliding, i-first+1)
		if u := t.Unix(); u != second {
			second, inSecond = u, 0
		}
		inSecond++
		l.Fixed = max(l.Fixed, inSecond)
	}
	return l
}
