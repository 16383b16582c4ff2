package wedatasim

import (
	"slices"
	"time"
)

// Types of tasks.
const (
	typeRealtime = 201
	typeOffline  = 202
)

// Statuses of a task in production.
const (
	StatusNew         = 0
	StatusNotStarted  = 1
	StatusInOperation = 2
	StatusRunning     = 3
	StatusPaused      = 4
	StatusStopping    = 5
	StatusStopped     = 6
	StatusFailed      = 7
)

type taskKey struct{ project, task string }

// Task is one integration task.
type Task struct {
	ProjectID       string    `json:"project_id"`
	TaskID          string    `json:"task_id"`
	TaskType        int64     `json:"task_type"`
	Name            string    `json:"name"`
	Description     string    `json:"description,omitempty"`
	Status          int64     `json:"status"` // in production
	InstanceVersion int64     `json:"instance_version"`
	Submitted       bool      `json:"submitted"`              // it is in production
	HasVersion      bool      `json:"has_version"`            // it was, ever
	Exported        bool      `json:"exported,omitempty"`     // of an offline task: to orchestration
	Draft           bool      `json:"draft,omitempty"`        // in development it differs from production
	Locker          string    `json:"locker,omitempty"`       // who has it open, a UIN
	OperatorUIN     string    `json:"operator_uin,omitempty"` // of the last operation; the platform has none
	OperateID       string    `json:"operate_id,omitempty"`
	NumRestarts     int64     `json:"num_restarts"`
	RunCount        int64     `json:"run_count"` // of runs so far, whoever started them
	RunAt           time.Time `json:"run_at,omitzero"`
	ReaderDelay     int64     `json:"reader_delay"`           // in seconds
	NoSavepoint     bool      `json:"no_savepoint,omitempty"` // NotExistsCheckPoint is 1
	Life            *Life     `json:"life,omitempty"`         // nil: it runs at once, and goes well
	StopTime        time.Time `json:"stop_time,omitzero"`     // when it last stopped
	Discarded       int       `json:"discarded"`              // how often its state was lost
	CreateTime      time.Time `json:"create_time"`
	UpdateTime      time.Time `json:"update_time"`
	ExtConfig       []Param   `json:"ext_config,omitempty"`
	Operations      []Operate `json:"operations,omitempty"` // oldest first; of more than 1,024 the older half goes

	fullPhase bool // of one that has lived
}

// Operate is one operation on a task.
type Operate struct {
	OperateID       string    `json:"operate_id"`
	Event           string    `json:"event"`
	At              time.Time `json:"at"`
	OperatorUIN     string    `json:"operator_uin,omitempty"`
	InstanceVersion int64     `json:"instance_version,omitempty"`
	CommitType      int64     `json:"commit_type"`
	VersionDesc     string    `json:"version_desc,omitempty"`
	NumRestarts     int64     `json:"num_restarts"`
}

// run starts a run of the task at now. An offline task is scheduled, and is never
// said to be running.
func (t *Task) run(now time.Time) {
	t.RunCount++
	t.RunAt = now
	if t.TaskType != typeOffline {
		t.Status = StatusRunning
	}
}

// clone copies what the task refers to, too. Operations are only ever appended: those
// there are can be shared.
func (t *Task) clone() Task {
	c := *t
	c.ExtConfig = slices.Clone(t.ExtConfig)
	c.Operations = slices.Clip(t.Operations)
	return c
}

// as tells a field: as it is, as null, or as the newest example has it.
func (t Telling) as(value, newest any) any {
	switch t {
	case Null:
		return nil
	case Newest:
		return newest
	default:
		return value
	}
}

// told is as for a field without an example of its own.
func (t Telling) told(value any) any { return t.as(value, value) }

// info is the task as the API tells it. In development every task is new, and a
// draft is not submitted.
func (t *Task) info(s *Shape, production bool) map[string]any {
	info := map[string]any{
		"TaskName": t.Name, "TaskType": t.TaskType, "TaskId": t.TaskID, "ProjectId": t.ProjectID,
		"Description": nullable(t.Description), "OperatorUin": s.OperatorUIN.told(nullable(t.OperatorUIN)),
		"Status": StatusNew, "Submit": s.Submit.as(t.Submitted && (production || !t.Draft), nil),
		"HasVersion": s.HasVersion.as(t.Submitted, t.HasVersion), "NumRestarts": s.NumRestarts.as(t.NumRestarts, -1),
		"Locked": t.Locker != "", "Locker": nullable(t.Locker), "ExtConfig": t.ExtConfig,
		"CreateTime": localTime(t.CreateTime), "UpdateTime": s.UpdateTime.told(localTime(t.UpdateTime)),
		"InstanceVersion": nil, "OfflineTaskStatus": s.OfflineTaskStatus.as(t.offlineStatus(), 1),
		"ReaderDelay": s.ReaderDelay.as(t.ReaderDelay, -1), "NotExistsCheckPoint": s.NotExistsCheckPoint.told(t.noSavepoint()),
		"BusinessLatency": nil, "ReadPhase": s.ReadPhase.told(t.readPhase()), "StopTime": nil, "LastOperateInfo": nil,
	}
	if !t.StopTime.IsZero() {
		info["StopTime"] = localTime(t.StopTime)
	}
	if production {
		info["Status"] = t.Status
	}
	if t.InstanceVersion != 0 {
		info["InstanceVersion"] = s.InstanceVersion.told(t.InstanceVersion)
	}
	if n := len(t.Operations); n > 0 && s.OperateID != Null {
		o := t.Operations[n-1]
		at := localTime(o.At)
		info["LastOperateInfo"] = map[string]any{
			"TaskEvent": o.Event, "OperateId": o.OperateID, "ErrorMsg": nil, "CreatedTime": at, "UpdatedTime": at,
		}
	}
	return info
}

// offlineStatus is OfflineTaskStatus: 1 not submitted, 2 submitted, 3 exported.
func (t *Task) offlineStatus() any {
	switch {
	case t.TaskType != typeOffline:
		return nil
	case t.Exported:
		return 3
	case t.Submitted:
		return 2
	default:
		return 1
	}
}

// noSavepoint is NotExistsCheckPoint: 0 there is a savepoint, 1 there is none, null
// unknown.
func (t *Task) noSavepoint() any {
	switch {
	case t.NoSavepoint:
		return 1
	case t.RunCount > 0:
		return 0
	default:
		return nil
	}
}

// versionInfo is TaskVersion, which is told of the version that was asked for.
func (t *Task) versionInfo(s *Shape, version int64) any {
	if version == 0 || s.TaskVersion != Told {
		return nil
	}
	for _, o := range t.Operations {
		if o.InstanceVersion != version || o.Event != string(DeedCommit) {
			continue
		}
		return map[string]any{
			"InstanceVersion": version, "VersionDesc": nullable(o.VersionDesc), "ChangeType": nil, "SubmitterUin": nullable(o.OperatorUIN),
			"InstanceDate": localTime(o.At), "InstanceStatus": map[bool]int{true: 1}[version == t.InstanceVersion],
		}
	}
	return nil
}

// runsInfo is TaskVersionList: the newest run, and its number.
func (t *Task) runsInfo(s *Shape) any {
	if s.Runs == Null {
		return nil
	}
	runs := []map[string]any{}
	if t.RunCount > 0 {
		runs = append(runs, map[string]any{"InstanceDate": localTime(t.RunAt), "RunningOrderId": t.RunCount})
	}
	return runs
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// china is the zone of WeData's times.
func china() *time.Location { return time.FixedZone("CST", 8*60*60) }
