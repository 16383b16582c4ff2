// Package v20210820 binds the WeData actions that this program calls, version
// 2021-08-20, to the core of Tencent Cloud's SDK.
//
// Types, fields and methods have the names and types of the SDK's own package
// github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/wedata/v20210820, of
// which this is a subset. Package wedata imports it in one place: exchange that
// import and this directory can go.
package v20210820
