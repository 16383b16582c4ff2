package v20210820

import (
	"context"
	"errors"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"
)

// APIVersion is the version of the API, sent as X-TC-Version.
const APIVersion = "2021-08-20"

const service = "wedata"

// Client sends requests with the SDK's core.
type Client struct {
	common.Client
}

// NewClient returns a client for the region. The error is always nil.
func NewClient(credential common.CredentialIface, region string, clientProfile *profile.ClientProfile) (client *Client, err error) {
	client = &Client{}
	client.Init(region).WithCredential(credential).WithProfile(clientProfile)
	return client, nil
}

// NewCommitIntegrationTaskRequest returns a request without parameters.
func NewCommitIntegrationTaskRequest() (request *CommitIntegrationTaskRequest) {
	return &CommitIntegrationTaskRequest{BaseRequest: newBase("CommitIntegrationTask")}
}

// NewCommitIntegrationTaskResponse returns an empty response.
func NewCommitIntegrationTaskResponse() (response *CommitIntegrationTaskResponse) {
	return &CommitIntegrationTaskResponse{BaseResponse: &tchttp.BaseResponse{}}
}

// CommitIntegrationTaskWithContext submits a version of an integration task and,
// depending on CommitType, runs it. It is not idempotent.
func (c *Client) CommitIntegrationTaskWithContext(ctx context.Context, request *CommitIntegrationTaskRequest) (response *CommitIntegrationTaskResponse, err error) {
	response = NewCommitIntegrationTaskResponse()
	return response, c.send(ctx, request, response)
}

// NewDescribeIntegrationTaskRequest returns a request without parameters.
func NewDescribeIntegrationTaskRequest() (request *DescribeIntegrationTaskRequest) {
	return &DescribeIntegrationTaskRequest{BaseRequest: newBase("DescribeIntegrationTask")}
}

// NewDescribeIntegrationTaskResponse returns an empty response.
func NewDescribeIntegrationTaskResponse() (response *DescribeIntegrationTaskResponse) {
	return &DescribeIntegrationTaskResponse{BaseResponse: &tchttp.BaseResponse{}}
}

// DescribeIntegrationTaskWithContext reads one integration task.
func (c *Client) DescribeIntegrationTaskWithContext(ctx context.Context, request *DescribeIntegrationTaskRequest) (response *DescribeIntegrationTaskResponse, err error) {
	response = NewDescribeIntegrationTaskResponse()
	return response, c.send(ctx, request, response)
}

// NewDescribeIntegrationTasksRequest returns a request without parameters.
func NewDescribeIntegrationTasksRequest() (request *DescribeIntegrationTasksRequest) {
	return &DescribeIntegrationTasksRequest{BaseRequest: newBase("DescribeIntegrationTasks")}
}

// NewDescribeIntegrationTasksResponse returns an empty response.
func NewDescribeIntegrationTasksResponse() (response *DescribeIntegrationTasksResponse) {
	return &DescribeIntegrationTasksResponse{BaseResponse: &tchttp.BaseResponse{}}
}

// DescribeIntegrationTasksWithContext lists a project's integration tasks, page
// by page: those in development unless the filter ProductionState is true.
func (c *Client) DescribeIntegrationTasksWithContext(ctx context.Context, request *DescribeIntegrationTasksRequest) (response *DescribeIntegrationTasksResponse, err error) {
	response = NewDescribeIntegrationTasksResponse()
	return response, c.send(ctx, request, response)
}

// NewDescribeApproveListRequest returns a request without parameters.
func NewDescribeApproveListRequest() (request *DescribeApproveListRequest) {
	return &DescribeApproveListRequest{BaseRequest: newBase("DescribeApproveList")}
}

// NewDescribeApproveListResponse returns an empty response.
func NewDescribeApproveListResponse() (response *DescribeApproveListResponse) {
	return &DescribeApproveListResponse{BaseResponse: &tchttp.BaseResponse{}}
}

// DescribeApproveListWithContext lists approvals, page by page.
func (c *Client) DescribeApproveListWithContext(ctx context.Context, request *DescribeApproveListRequest) (response *DescribeApproveListResponse, err error) {
	response = NewDescribeApproveListResponse()
	return response, c.send(ctx, request, response)
}

// SendCommonRequest sends a request of any action with the parameters, as the SDK's core
// can. The answer is not read.
func (c *Client) SendCommonRequest(ctx context.Context, action string, params map[string]any) error {
	request := tchttp.NewCommonRequest(service, APIVersion, action)
	if err := request.SetActionParameters(params); err != nil {
		return err
	}
	return c.send(ctx, request, tchttp.NewCommonResponse())
}

// send signs the request and sends it.
func (c *Client) send(ctx context.Context, request tchttp.Request, response tchttp.Response) error {
	if c.GetCredential() == nil {
		return errors.New(request.GetAction() + " requires a credential")
	}
	request.SetContext(ctx)
	return c.Send(request, response)
}

// newBase returns what every request of the action embeds.
func newBase(action string) *tchttp.BaseRequest {
	return new(tchttp.BaseRequest).Init().WithApiInfo(service, APIVersion, action)
}
