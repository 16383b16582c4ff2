package wedatasim

import (
	"errors"
	"fmt"
	"time"
)

// Act is one thing that a person does to a task in the console, or the platform by
// itself.
type Act struct {
	Do       Deed   `json:"do"`
	Operator string `json:"operator"` // a person's UIN; empty for the platform
	// InstanceVersion is the version that DeedCommit and DeedRollback bring; 0 is the
	// next one, and the one before.
	InstanceVersion int64  `json:"instance_version,omitempty"`
	Description     string `json:"description,omitempty"` // for DeedDescribe
}

// Deed is what an Act does.
type Deed string

// The deeds. The first four leave production as it is.
const (
	DeedLock     Deed = "lock"     // opens the task for editing
	DeedUnlock   Deed = "unlock"   // closes it
	DeedDescribe Deed = "describe" // changes its description
	DeedEdit     Deed = "edit"     // changes the draft in development

	DeedCommit   Deed = "commit"   // submits a version; whether the task runs stays
	DeedRollback Deed = "rollback" // brings an older version back; a task that runs is restarted with it
	DeedAgain    Deed = "again"    // restarts the task at the version that it has
	DeedStart    Deed = "start"    // and continues what was paused
	DeedPause    Deed = "pause"    //
	DeedStop     Deed = "stop"     //
	DeedWithdraw Deed = "withdraw" // takes it out of production
	DeedDelete   Deed = "delete"   // and there is no such task any more

	// By the platform, with what Behavior.PlatformTrace leaves.
	DeedFail    Deed = "fail"    // the job ends with an error
	DeedRestart Deed = "restart" // the job is started again after one
)

// ErrNotDone says that the console would refuse.
var ErrNotDone = errors.New("the console refuses")

// act changes the task, and returns what that leaves. The error is ErrNotDone.
func (t *Task) act(a *Act, now time.Time) (Trace, error) {
	switch a.Do {
	case DeedLock:
		t.Locker = a.Operator
		return TraceNone, nil
	case DeedUnlock:
		t.Locker = ""
		return TraceNone, nil
	case DeedDescribe:
		t.Description = a.Description
	case DeedEdit:
		t.Draft = true
	case DeedCommit:
		t.submit(a.InstanceVersion)
	case DeedRollback:
		return TraceOperation, t.rollBack(a.InstanceVersion, now)
	case DeedAgain, DeedRestart:
		t.settle(now)
		t.NumRestarts++
		t.run(now)
	case DeedStart:
		t.run(now)
	case DeedPause:
		t.settle(now)
		t.Status, t.StopTime = StatusPaused, now
	case DeedStop:
		t.settle(now)
		t.Status, t.StopTime = StatusStopped, now
	case DeedWithdraw:
		t.Submitted, t.Status = false, StatusNew
	case DeedFail:
		t.Status = StatusFailed
	default:
		return TraceNone, fmt.Errorf("%w: there is no action %q", ErrNotDone, a.Do)
	}
	return TraceOperation, nil
}

// rollBack brings an older version back; 0 is the one before. The error is ErrNotDone.
func (t *Task) rollBack(version int64, now time.Time) error {
	if version == 0 {
		version = t.InstanceVersion - 1
	}
	if version < 1 || version >= t.InstanceVersion {
		return fmt.Errorf("%w: version %d is not older than version %d", ErrNotDone, version, t.InstanceVersion)
	}
	t.InstanceVersion = version
	if t.Status == StatusRunning {
		t.NumRestarts++
		t.run(now)
	}
	return nil
}

// submit brings a version to production; 0 is the next one. Offline tasks tell no
// version unless one was given.
func (t *Task) submit(version int64) {
	t.Submitted, t.HasVersion, t.Draft = true, true, false
	switch {
	case version != 0:
		t.InstanceVersion = version
	case t.TaskType != typeOffline:
		t.InstanceVersion++
	}
	if t.Status == StatusNew {
		t.Status = StatusNotStarted
	}
}
