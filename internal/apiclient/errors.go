package apiclient

import "errors"

// What can be wrong with a request. They are met wrapped in an [*fault.Error].
var (
	ErrConfig      = errors.New("configuration cannot be used")
	ErrToken       = errors.New("token not accepted")
	ErrPermission  = errors.New("permission denied")
	ErrNotFound    = errors.New("not found")
	ErrLimited     = errors.New("too many requests")
	ErrUnavailable = errors.New("server cannot be reached")
	ErrRefused     = errors.New("request refused")
	ErrBadAnswer   = errors.New("answer is not what the API says")
)
