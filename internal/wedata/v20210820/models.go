package v20210820

import tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"

// CommitIntegrationTaskRequest is the request of CommitIntegrationTask. Nil
// fields are not sent.
type CommitIntegrationTaskRequest struct {
	*tchttp.BaseRequest

	TaskId    *string `json:"TaskId,omitnil,omitempty" name:"TaskId"`
	ProjectId *string `json:"ProjectId,omitnil,omitempty" name:"ProjectId"`

	// CommitType is 0 (submit only), 1 (start), 2 (stop, discard the state,
	// restart), 3 (pause, keep the state, continue) or 4 (keep the state, continue).
	CommitType *int64 `json:"CommitType,omitnil,omitempty" name:"CommitType"`

	// TaskType is 201 (real-time, the default) or 202 (offline).
	TaskType *uint64 `json:"TaskType,omitnil,omitempty" name:"TaskType"`

	ExtConfig       []*RecordField `json:"ExtConfig,omitnil,omitempty" name:"ExtConfig"`
	VersionDesc     *string        `json:"VersionDesc,omitnil,omitempty" name:"VersionDesc"`
	InstanceVersion *int64         `json:"InstanceVersion,omitnil,omitempty" name:"InstanceVersion"`
	EventDesc       *string        `json:"EventDesc,omitnil,omitempty" name:"EventDesc"`
}

// CommitIntegrationTaskResponse is the answer to CommitIntegrationTask.
type CommitIntegrationTaskResponse struct {
	*tchttp.BaseResponse

	Response *CommitIntegrationTaskResponseParams `json:"Response"`
}

// CommitIntegrationTaskResponseParams is what CommitIntegrationTaskResponse holds.
type CommitIntegrationTaskResponseParams struct {
	Data      *bool              `json:"Data,omitnil,omitempty" name:"Data"`
	DataDto   *CommitTaskDataDto `json:"DataDto,omitnil,omitempty" name:"DataDto"`
	RequestId *string            `json:"RequestId,omitnil,omitempty" name:"RequestId"`
}

// CommitTaskDataDto says whether a commit waits for a person's approval.
type CommitTaskDataDto struct {
	TaskApproveId *string `json:"TaskApproveId,omitnil,omitempty" name:"TaskApproveId"`
}

// DescribeIntegrationTaskRequest is the request of DescribeIntegrationTask.
type DescribeIntegrationTaskRequest struct {
	*tchttp.BaseRequest

	TaskId          *string        `json:"TaskId,omitnil,omitempty" name:"TaskId"`
	ProjectId       *string        `json:"ProjectId,omitnil,omitempty" name:"ProjectId"`
	TaskType        *uint64        `json:"TaskType,omitnil,omitempty" name:"TaskType"`
	InstanceVersion *int64         `json:"InstanceVersion,omitnil,omitempty" name:"InstanceVersion"`
	ExtConfig       []*RecordField `json:"ExtConfig,omitnil,omitempty" name:"ExtConfig"`
}

// DescribeIntegrationTaskResponse is the answer to DescribeIntegrationTask.
type DescribeIntegrationTaskResponse struct {
	*tchttp.BaseResponse

	Response *DescribeIntegrationTaskResponseParams `json:"Response"`
}

// DescribeIntegrationTaskResponseParams is what DescribeIntegrationTaskResponse holds.
type DescribeIntegrationTaskResponseParams struct {
	TaskInfo  *IntegrationTaskInfo `json:"TaskInfo,omitnil,omitempty" name:"TaskInfo"`
	RequestId *string              `json:"RequestId,omitnil,omitempty" name:"RequestId"`
}

// DescribeIntegrationTasksRequest is the request of DescribeIntegrationTasks.
type DescribeIntegrationTasksRequest struct {
	*tchttp.BaseRequest

	ProjectId   *string       `json:"ProjectId,omitnil,omitempty" name:"ProjectId"`
	PageNumber  *int64        `json:"PageNumber,omitnil,omitempty" name:"PageNumber"` // from 1
	PageSize    *int64        `json:"PageSize,omitnil,omitempty" name:"PageSize"`
	Filters     []*Filter     `json:"Filters,omitnil,omitempty" name:"Filters"`
	OrderFields []*OrderField `json:"OrderFields,omitnil,omitempty" name:"OrderFields"`
	StartTime   *string       `json:"StartTime,omitnil,omitempty" name:"StartTime"`
	EndTime     *string       `json:"EndTime,omitnil,omitempty" name:"EndTime"`
	TaskType    *uint64       `json:"TaskType,omitnil,omitempty" name:"TaskType"`
}

// DescribeIntegrationTasksResponse is the answer to DescribeIntegrationTasks.
type DescribeIntegrationTasksResponse struct {
	*tchttp.BaseResponse

	Response *DescribeIntegrationTasksResponseParams `json:"Response"`
}

// DescribeIntegrationTasksResponseParams is what DescribeIntegrationTasksResponse holds.
type DescribeIntegrationTasksResponseParams struct {
	TaskInfoSet []*IntegrationTaskInfo `json:"TaskInfoSet,omitnil,omitempty" name:"TaskInfoSet"`
	TotalCount  *int64                 `json:"TotalCount,omitnil,omitempty" name:"TotalCount"`
	RequestId   *string                `json:"RequestId,omitnil,omitempty" name:"RequestId"`
}

// IntegrationTaskInfo is what WeData says of a task. Every field can be null.
type IntegrationTaskInfo struct {
	TaskName    *string `json:"TaskName,omitnil,omitempty" name:"TaskName"`
	Description *string `json:"Description,omitnil,omitempty" name:"Description"`
	TaskType    *int64  `json:"TaskType,omitnil,omitempty" name:"TaskType"`
	TaskId      *string `json:"TaskId,omitnil,omitempty" name:"TaskId"`
	ProjectId   *string `json:"ProjectId,omitnil,omitempty" name:"ProjectId"`
	OperatorUin *string `json:"OperatorUin,omitnil,omitempty" name:"OperatorUin"`
	OwnerUin    *string `json:"OwnerUin,omitnil,omitempty" name:"OwnerUin"`

	// Status is 0 (new), 1 (not started), 2 (in operation), 3 (running), 4 (paused),
	// 5 (stopping), 6 (stopped), 7 (failed), 20 (abnormal) or 21 (unknown). It means
	// something in production only.
	Status *int64 `json:"Status,omitnil,omitempty" name:"Status"`

	ExtConfig []*RecordField `json:"ExtConfig,omitnil,omitempty" name:"ExtConfig"`
	Incharge  *string        `json:"Incharge,omitnil,omitempty" name:"Incharge"`

	// Submit says that this version was submitted, HasVersion that some version was.
	Submit      *bool   `json:"Submit,omitnil,omitempty" name:"Submit"`
	NumRestarts *int64  `json:"NumRestarts,omitnil,omitempty" name:"NumRestarts"`
	CreateTime  *string `json:"CreateTime,omitnil,omitempty" name:"CreateTime"`
	UpdateTime  *string `json:"UpdateTime,omitnil,omitempty" name:"UpdateTime"`
	LastRunTime *string `json:"LastRunTime,omitnil,omitempty" name:"LastRunTime"`
	StopTime    *string `json:"StopTime,omitnil,omitempty" name:"StopTime"`
	HasVersion  *bool   `json:"HasVersion,omitnil,omitempty" name:"HasVersion"`
	Locked      *bool   `json:"Locked,omitnil,omitempty" name:"Locked"`
	Locker      *string `json:"Locker,omitnil,omitempty" name:"Locker"`

	// InstanceVersion is the version of a real-time task.
	InstanceVersion *int64 `json:"InstanceVersion,omitnil,omitempty" name:"InstanceVersion"`

	// OfflineTaskStatus is 1 (not submitted), 2 (submitted) or 3 (exported).
	OfflineTaskStatus *int64 `json:"OfflineTaskStatus,omitnil,omitempty" name:"OfflineTaskStatus"`

	ErrorMessage    *string          `json:"ErrorMessage,omitnil,omitempty" name:"ErrorMessage"`
	LastOperateInfo *LastOperateInfo `json:"LastOperateInfo,omitnil,omitempty" name:"LastOperateInfo"`
}

// LastOperateInfo is the newest operation on a task.
type LastOperateInfo struct {
	TaskEvent   *string `json:"TaskEvent,omitnil,omitempty" name:"TaskEvent"`
	OperateId   *string `json:"OperateId,omitnil,omitempty" name:"OperateId"`
	ErrorMsg    *string `json:"ErrorMsg,omitnil,omitempty" name:"ErrorMsg"`
	CreatedTime *string `json:"CreatedTime,omitnil,omitempty" name:"CreatedTime"`
	UpdatedTime *string `json:"UpdatedTime,omitnil,omitempty" name:"UpdatedTime"`
}

// RecordField is a name with a value.
type RecordField struct {
	Name  *string `json:"Name,omitnil,omitempty" name:"Name"`
	Value *string `json:"Value,omitnil,omitempty" name:"Value"`
}

// Filter keeps what has one of the values.
type Filter struct {
	Name   *string   `json:"Name,omitnil,omitempty" name:"Name"`
	Values []*string `json:"Values,omitnil,omitempty" name:"Values"`
}

// OrderField sorts by a field; Direction is ASC or DESC.
type OrderField struct {
	Name      *string `json:"Name,omitnil,omitempty" name:"Name"`
	Direction *string `json:"Direction,omitnil,omitempty" name:"Direction"`
}
