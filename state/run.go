package state

import "time"

// Healthy is what makes a task healthy that runs.
type Healthy struct {
	For      int64  `json:"for_s,omitempty"`    // for how many seconds all of it has to stay true; 0: until it was seen twice
	Lag      int64  `json:"lag_s,omitempty"`    // how many seconds it has to be behind by less; 0: that is not asked for
	Restarts *int64 `json:"restarts,omitempty"` // how often it may restart; nil: that is not asked for
}

// RunStatus says how a task that was started has come to run.
type RunStatus string

// The statuses of a Run.
const (
	RunStarting  RunStatus = "starting"  // followed until it is one of the others
	RunRunning   RunStatus = "running"   // and healthy, where that is asked for
	RunFailed    RunStatus = "failed"    // WeData says so
	RunLate      RunStatus = "late"      // it did not run in time
	RunUnhealthy RunStatus = "unhealthy" // it runs, and is not healthy
)

// Run is what following a task after its start has shown.
type Run struct {
	Status RunStatus `json:"status"`
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"`   // when a start is late
	Detail string    `json:"detail,omitempty"` // why it is not healthy, or not yet; at most MaxMessage bytes
	// Again says that an operator has asked to follow it again: no read is of before the commit.
	Again bool `json:"again,omitempty"`
	// Observations are what reads have told since the commit, oldest first; at most
	// MaxObservations.
	Observations []Observation `json:"observations,omitempty"`
}

// MaxObservations bounds Run.Observations.
const MaxObservations = 64

// Untold stands for a figure that WeData does not tell.
const Untold = -1

// Observation is what one read of a followed task has told.
type Observation struct {
	At       int64      `json:"at_ms"` // Unix time
	Sight    Sight      `json:"sight,omitempty"`
	Status   TaskStatus `json:"status,omitempty"`
	Restarts int64      `json:"restarts"` // Untold, or how often the job restarted by the job's own count
	Lag      int64      `json:"lag_s"`    // Untold, or by how many seconds it is behind
	// Gap is for how many milliseconds before it nobody looked, where that was too long.
	Gap int64 `json:"gap_ms,omitempty"`
	// Note says more of the newest one that is not of the task as it was applied.
	Note string `json:"note,omitempty"`
}

// Sight says what an Observation is of.
type Sight string

// The values of Sight.
const (
	SightTask   Sight = ""        // what was applied
	SightUnread Sight = "unread"  // the read failed
	SightGone   Sight = "gone"    // there is no such task
	SightOther  Sight = "version" // another version
)

// Time returns when the read was made.
func (o *Observation) Time() time.Time { return time.UnixMilli(o.At) }

// Vitals is what WeData tells of how a job goes. What it tells as null or -1 is Untold, or
// empty.
type Vitals struct {
	ReaderDelay     int64  `json:"reader_delay_s"`     // seconds, rounded up
	BusinessLatency int64  `json:"business_latency_s"` // seconds
	ReadPhase       int64  `json:"read_phase"`         // 0 all of it full, 1 a part, 2 incremental
	NoSavepoint     bool   `json:"no_savepoint,omitempty"`
	StopTime        string `json:"stop_time,omitempty"` // by WeData's clock, as it says it
}

// Lag returns by how many seconds the task is behind: its ReaderDelay, or where that is not
// told its BusinessLatency, or Untold.
func (l *Live) Lag() int64 {
	switch v := l.Vitals; {
	case v == nil:
		return Untold
	case v.ReaderDelay != Untold:
		return v.ReaderDelay
	default:
		return v.BusinessLatency
	}
}

// Restarts returns how often the job has restarted, or Untold.
func (l *Live) Restarts() int64 {
	if l.NumRestarts == nil {
		return Untold
	}
	return *l.NumRestarts
}

// InFullPhase reports whether WeData tells that the job is not through its full phase yet.
func (l *Live) InFullPhase() bool {
	return l.Vitals != nil && (l.Vitals.ReadPhase == 0 || l.Vitals.ReadPhase == 1)
}

// HasNoSavepoint reports whether WeData tells that the job has no savepoint.
func (l *Live) HasNoSavepoint() bool { return l.Vitals != nil && l.Vitals.NoSavepoint }
