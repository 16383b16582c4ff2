package wedatasim

import "time"

// Life is how a real-time job goes by itself after each start, in seconds since then. The
// zero value runs at once, and is never behind.
type Life struct {
	Starting     int64 `json:"starting,omitempty"`      // so long it is in operation, before it runs
	Lag          int64 `json:"lag,omitempty"`           // how far it is behind at the start; -1: that is never known
	CatchUp      int64 `json:"catch_up,omitempty"`      // in which its lag falls to 0; 0: it stays as it is
	RestartEvery int64 `json:"restart_every,omitempty"` // the platform restarts it
	Restarts     int64 `json:"restarts,omitempty"`      // so often; 0: without end
	FailsAfter   int64 `json:"fails_after,omitempty"`   // then it has failed
	FullPhase    int64 `json:"full_phase,omitempty"`    // so long it reads all that there is
}

// lived returns the task as its life has it at a time.
func (t *Task) lived(at time.Time) *Task {
	if t == nil || t.Life == nil || t.Status != StatusRunning || t.RunAt.IsZero() {
		return t
	}
	c, l, age := *t, t.Life, max(int64(at.Sub(t.RunAt)/time.Second), 0)
	switch {
	case l.FailsAfter > 0 && age >= l.FailsAfter:
		c.Status, age = StatusFailed, l.FailsAfter
	case age < l.Starting:
		c.Status = StatusInOperation
	}
	if l.RestartEvery > 0 {
		n := age / l.RestartEvery
		if l.Restarts > 0 {
			n = min(n, l.Restarts)
		}
		c.NumRestarts += n
	}
	c.ReaderDelay = l.Lag
	if l.CatchUp > 0 && l.Lag > 0 {
		c.ReaderDelay = l.Lag * max(l.CatchUp-age, 0) / l.CatchUp
	}
	c.fullPhase = age < l.FullPhase
	return &c
}

// settle makes what has become of a job by itself what it is, before something else is done
// to it.
func (t *Task) settle(now time.Time) {
	if was := t.lived(now); was.Status != StatusInOperation {
		t.Status, t.NumRestarts = was.Status, was.NumRestarts
	}
}

// readPhase is ReadPhase: 0 in the full phase, 2 after it, null where that is not known.
func (t *Task) readPhase() any {
	switch {
	case t.fullPhase:
		return 0
	case t.Life != nil && t.Life.FullPhase > 0:
		return 2
	default:
		return nil
	}
}
