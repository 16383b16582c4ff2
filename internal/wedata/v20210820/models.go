package v20210820

import tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"

// CommitIntegrationTaskRequest is the request of CommitIntegrationTask. Nil
// fields are not sent.
type CommitIntegrationTaskRequest struct {
	*tchttp.BaseRequest

	TaskId    *string `json:"TaskId,omitempty"`
	ProjectId *string `json:"ProjectId,omitempty"`

	// CommitType is 0 (submit only), 1 (start), 2 (stop, discard the state,
	// restart), 3 (pause, keep the state, continue) or 4 (keep the state, continue).
	CommitType *int64 `json:"CommitType,omitempty"`

	// TaskType is 201 (real-time, the default) or 202 (offline).
	TaskType *uint64 `json:"TaskType,omitempty"`

	ExtConfig       []*RecordField `json:"ExtConfig,omitempty"`
	VersionDesc     *string        `json:"VersionDesc,omitempty"`
	InstanceVersion *int64         `json:"InstanceVersion,omitempty"`
	EventDesc       *string        `json:"EventDesc,omitempty"`
}

// CommitIntegrationTaskResponse is the answer to CommitIntegrationTask.
type CommitIntegrationTaskResponse struct {
	*tchttp.BaseResponse

	Response *CommitIntegrationTaskResponseParams `json:"Response"`
}

// CommitIntegrationTaskResponseParams is what CommitIntegrationTaskResponse holds.
type CommitIntegrationTaskResponseParams struct {
	Data      *bool              `json:"Data,omitempty"`
	DataDto   *CommitTaskDataDto `json:"DataDto,omitempty"`
	RequestId *string            `json:"RequestId,omitempty"`
}

// CommitTaskDataDto says whether a commit waits for a person's approval.
type CommitTaskDataDto struct {
	TaskApproveId *string `json:"TaskApproveId,omitempty"`
}

// DescribeIntegrationTaskRequest is the request of DescribeIntegrationTask.
type DescribeIntegrationTaskRequest struct {
	*tchttp.BaseRequest

	TaskId          *string        `json:"TaskId,omitempty"`
	ProjectId       *string        `json:"ProjectId,omitempty"`
	TaskType        *uint64        `json:"TaskType,omitempty"`
	InstanceVersion *int64         `json:"InstanceVersion,omitempty"`
	ExtConfig       []*RecordField `json:"ExtConfig,omitempty"`
}

// DescribeIntegrationTaskResponse is the answer to DescribeIntegrationTask.
type DescribeIntegrationTaskResponse struct {
	*tchttp.BaseResponse

	Response *DescribeIntegrationTaskResponseParams `json:"Response"`
}

// DescribeIntegrationTaskResponseParams is what DescribeIntegrationTaskResponse holds.
type DescribeIntegrationTaskResponseParams struct {
	TaskInfo *IntegrationTaskInfo `json:"TaskInfo,omitempty"`

	// TaskVersion is of the InstanceVersion of the request, and null without one.
	TaskVersion *TaskVersionInstance `json:"TaskVersion,omitempty"`

	TaskVersionList []*TaskVersionRunning `json:"TaskVersionList,omitempty"`
	RequestId       *string               `json:"RequestId,omitempty"`
}

// TaskVersionInstance is one version of a task.
type TaskVersionInstance struct {
	InstanceVersion *int64  `json:"InstanceVersion,omitempty"`
	VersionDesc     *string `json:"VersionDesc,omitempty"`
	ChangeType      *int64  `json:"ChangeType,omitempty"` // 0 (added) or 1 (modified)
	SubmitterUin    *string `json:"SubmitterUin,omitempty"`
	InstanceDate    *string `json:"InstanceDate,omitempty"`
	InstanceStatus  *int64  `json:"InstanceStatus,omitempty"` // 0 (not enabled) or 1 (enabled, in production)
}

// TaskVersionRunning is one run of a task.
type TaskVersionRunning struct {
	InstanceDate   *string `json:"InstanceDate,omitempty"`
	RunningOrderId *int64  `json:"RunningOrderId,omitempty"` // a counter
}

// DescribeIntegrationTasksRequest is the request of DescribeIntegrationTasks.
type DescribeIntegrationTasksRequest struct {
	*tchttp.BaseRequest

	ProjectId   *string       `json:"ProjectId,omitempty"`
	PageNumber  *int64        `json:"PageNumber,omitempty"` // from 1
	PageSize    *int64        `json:"PageSize,omitempty"`
	Filters     []*Filter     `json:"Filters,omitempty"`
	OrderFields []*OrderField `json:"OrderFields,omitempty"`
	StartTime   *string       `json:"StartTime,omitempty"`
	EndTime     *string       `json:"EndTime,omitempty"`
	TaskType    *uint64       `json:"TaskType,omitempty"`
}

// DescribeIntegrationTasksResponse is the answer to DescribeIntegrationTasks.
type DescribeIntegrationTasksResponse struct {
	*tchttp.BaseResponse

	Response *DescribeIntegrationTasksResponseParams `json:"Response"`
}

// DescribeIntegrationTasksResponseParams is what DescribeIntegrationTasksResponse holds.
type DescribeIntegrationTasksResponseParams struct {
	TaskInfoSet []*IntegrationTaskInfo `json:"TaskInfoSet,omitempty"`
	TotalCount  *int64                 `json:"TotalCount,omitempty"`
	RequestId   *string                `json:"RequestId,omitempty"`
}

// DescribeApproveListRequest is the request of DescribeApproveList.
type DescribeApproveListRequest struct {
	*tchttp.BaseRequest

	ApproveClassification *string               `json:"ApproveClassification,omitempty"`
	PageSize              *uint64               `json:"PageSize,omitempty"`
	PageNumber            *uint64               `json:"PageNumber,omitempty"`
	Filters               []*FilterOptional     `json:"Filters,omitempty"`
	OrderFields           []*OrderFieldOptional `json:"OrderFields,omitempty"`
}

// DescribeApproveListResponse is the answer to DescribeApproveList.
type DescribeApproveListResponse struct {
	*tchttp.BaseResponse

	Response *DescribeApproveListResponseParams `json:"Response"`
}

// DescribeApproveListResponseParams is what DescribeApproveListResponse holds.
type DescribeApproveListResponseParams struct {
	Data      *DescribeApply `json:"Data,omitempty"`
	RequestId *string        `json:"RequestId,omitempty"`
}

// DescribeApply is a page of approvals.
type DescribeApply struct {
	Rows            []*Apply `json:"Rows,omitempty"`
	PageNumber      *int64   `json:"PageNumber,omitempty"`
	PageSize        *int64   `json:"PageSize,omitempty"`
	TotalCount      *int64   `json:"TotalCount,omitempty"`
	TotalPageNumber *int64   `json:"TotalPageNumber,omitempty"`
}

// Apply is one approval. How Status is coded is not documented.
type Apply struct {
	ApproveId          *string `json:"ApproveId,omitempty"`
	ApplyId            *string `json:"ApplyId,omitempty"`
	ApplyName          *string `json:"ApplyName,omitempty"`
	ApplicantId        *string `json:"ApplicantId,omitempty"`
	ApplicantName      *string `json:"ApplicantName,omitempty"`
	ApproverId         *string `json:"ApproverId,omitempty"`
	ApproverName       *string `json:"ApproverName,omitempty"`
	ApproveType        *string `json:"ApproveType,omitempty"`
	ApproveTypeName    *string `json:"ApproveTypeName,omitempty"`
	ApproveProjectName *string `json:"ApproveProjectName,omitempty"`
	Status             *string `json:"Status,omitempty"`
	Remark             *string `json:"Remark,omitempty"`
	Reason             *string `json:"Reason,omitempty"`
	ErrorMessage       *string `json:"ErrorMessage,omitempty"`
	CreateTime         *string `json:"CreateTime,omitempty"`
	ApproveTime        *string `json:"ApproveTime,omitempty"`
}

// IntegrationTaskInfo is what WeData says of a task. Every field can be null.
type IntegrationTaskInfo struct {
	TaskName    *string `json:"TaskName,omitempty"`
	Description *string `json:"Description,omitempty"`
	TaskType    *int64  `json:"TaskType,omitempty"`
	TaskId      *string `json:"TaskId,omitempty"`
	ProjectId   *string `json:"ProjectId,omitempty"`
	OperatorUin *string `json:"OperatorUin,omitempty"`
	OwnerUin    *string `json:"OwnerUin,omitempty"`

	// Status is 0 (new), 1 (not started), 2 (in operation), 3 (running), 4 (paused),
	// 5 (stopping), 6 (stopped), 7 (failed), 20 (abnormal) or 21 (unknown). It means
	// something in production only.
	Status *int64 `json:"Status,omitempty"`

	ExtConfig []*RecordField `json:"ExtConfig,omitempty"`
	Incharge  *string        `json:"Incharge,omitempty"`

	// Submit says that this version was submitted, HasVersion that some version was.
	Submit      *bool   `json:"Submit,omitempty"`
	NumRestarts *int64  `json:"NumRestarts,omitempty"`
	CreateTime  *string `json:"CreateTime,omitempty"`
	UpdateTime  *string `json:"UpdateTime,omitempty"`
	LastRunTime *string `json:"LastRunTime,omitempty"`
	StopTime    *string `json:"StopTime,omitempty"`
	HasVersion  *bool   `json:"HasVersion,omitempty"`
	Locked      *bool   `json:"Locked,omitempty"`
	Locker      *string `json:"Locker,omitempty"`

	// InstanceVersion is the version of a real-time task.
	InstanceVersion *int64 `json:"InstanceVersion,omitempty"`

	// OfflineTaskStatus is 1 (not submitted), 2 (submitted) or 3 (exported).
	OfflineTaskStatus *int64 `json:"OfflineTaskStatus,omitempty"`

	// ReaderDelay and BusinessLatency say how far the job is behind. Their unit is not
	// documented. -1 is unknown, as it is of NumRestarts.
	ReaderDelay     *float64 `json:"ReaderDelay,omitempty"`
	BusinessLatency *int64   `json:"BusinessLatency,omitempty"`

	// ReadPhase is 0 (all of it is the full phase), 1 (a part) or 2 (incremental).
	ReadPhase *int64 `json:"ReadPhase,omitempty"`

	// NotExistsCheckPoint is 0 (there is a savepoint), 1 (there is none) or null (unknown).
	NotExistsCheckPoint *int64 `json:"NotExistsCheckPoint,omitempty"`

	ErrorMessage    *string          `json:"ErrorMessage,omitempty"`
	LastOperateInfo *LastOperateInfo `json:"LastOperateInfo,omitempty"`
}

// LastOperateInfo is the newest operation on a task.
type LastOperateInfo struct {
	TaskEvent   *string `json:"TaskEvent,omitempty"`
	OperateId   *string `json:"OperateId,omitempty"`
	ErrorMsg    *string `json:"ErrorMsg,omitempty"`
	CreatedTime *string `json:"CreatedTime,omitempty"`
	UpdatedTime *string `json:"UpdatedTime,omitempty"`
}

// RecordField is a name with a value.
type RecordField struct {
	Name  *string `json:"Name,omitempty"`
	Value *string `json:"Value,omitempty"`
}

// Filter keeps what has one of the values.
type Filter struct {
	Name   *string   `json:"Name,omitempty"`
	Values []*string `json:"Values,omitempty"`
}

// OrderField sorts by a field; Direction is ASC or DESC.
type OrderField struct {
	Name      *string `json:"Name,omitempty"`
	Direction *string `json:"Direction,omitempty"`
}

// FilterOptional keeps what has one of the values.
type FilterOptional struct {
	Name   *string   `json:"Name,omitempty"`
	Values []*string `json:"Values,omitempty"`
}

// OrderFieldOptional sorts by a field; Direction is ASC or DESC.
type OrderFieldOptional struct {
	Name      *string `json:"Name,omitempty"`
	Direction *string `json:"Direction,omitempty"`
}
