package pace

import "time"

// SlowStart bounds the calls that may have started: 1, 2, 4, 8 ... after a start or an
// error, so that an API that fails sees few of them.
type SlowStart struct {
	Window  int // calls that may have started
	Most    int // that Window can become
	Failing int // answers in doubt, in a row
	clean   int // good answers since the window last changed
}

// Succeeded doubles the window after as many good answers as it is wide.
func (s *SlowStart) Succeeded() {
	s.Failing = 0
	if s.clean++; s.clean >= s.Window && s.Window < s.Most {
		s.Window, s.clean = 2*s.Window, 0
	}
}

// Failed narrows the window to one call.
func (s *SlowStart) Failed() { s.Window, s.clean = 1, 0 }

// averageOver is how many calls an average is taken over.
const averageOver = 16

// Average is how long a part of a call's way takes.
type Average struct {
	Mean time.Duration
	seen int
}

// Add takes in another call.
func (a *Average) Add(d time.Duration) {
	a.seen = min(a.seen+1, averageOver)
	a.Mean += (d - a.Mean) / time.Duration(a.seen)
}
