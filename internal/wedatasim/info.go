package wedatasim

import "time"

// shapeOf says how reads tell the task. s.mu is held.
func (s *Server) shapeOf(t *Task) *Shape { return s.opts.Behavior.Profile.of(t.TaskType) }

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
		"LastOperateInfo": nil,
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
