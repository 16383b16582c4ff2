package wedata

import (
	"strings"

	"github.com/wedatasync/wedatasync/state"
)

// base returns the part of an error code before the first dot.
func base(code string) string {
	b, _, _ := strings.Cut(code, ".")
	return b
}

// within reports whether the code is parent, or a sub-code of it.
func within(code, parent string) bool {
	return code == parent || strings.HasPrefix(code, parent+".")
}

// classOf is the table from an error code to what it means for a commit; hint, if
// not empty, tells a person what to look at. The document of the API lists the
// codes, and the platform's document those that its gateway gives for any API.
// Sub-codes go with the code before the dot, but for those named first. What is not in
// the table is unknown.
//
// A gateway's refusal that says nothing about one commit and so would meet every
// one alike, such as a wrong region, stops everyone as the credentials do. To
// refuse task by task would leave hundreds of refusals for a person to take back.
func classOf(code string) (class state.Class, hint string) {
	switch {
	case within(code, "AuthFailure.SignatureExpire"):
		return state.ClassAuth, "check this machine's clock: it is over 5 minutes off"
	case within(code, "AuthFailure.UnauthorizedOperation"):
		return state.ClassUnauthorized, "" // the gateway's way to say UnauthorizedOperation
	case within(code, "InvalidParameter.ServiceIsBusy"):
		return state.ClassWaiting, "" // in spite of its name nothing is wrong with the request
	case within(code, "InvalidParameter.ClientIpNotAuthorized"):
		return state.ClassAuth, "WeData refuses this machine's address"
	case within(code, "OperationDenied.UserNotInWhitelistError"):
		return state.ClassAuth, "WeData has not enabled this API for the account"
	case within(code, "FailedOperation.NoLock"):
		return state.ClassUnknown, "" // whether the lock is looked at before the action is not documented
	}
	switch base(code) {
	case "RequestLimitExceeded": // counted and rejected before the action
		return state.ClassThrottled, ""

	case "AuthFailure": // the signature is checked before the action
		return state.ClassAuth, ""
	case "IpInBlacklist", "IpNotInWhitelist": // the gateway refuses this machine
		return state.ClassAuth, "the endpoint refuses this machine's address"
	case "UnsupportedRegion", "NoSuchProduct", "NoSuchVersion", "InvalidAction", "ActionOffline", "UnsupportedProtocol":
		return state.ClassAuth, "check --endpoint and --region" // there is no such action to carry out
	case "UnauthorizedOperation": // the policy is checked before the action
		return state.ClassUnauthorized, ""

	case "InvalidParameter", "InvalidParameterValue", "MissingParameter", "UnknownParameter", // this request is wrong
		"InvalidRequest", "RequestSizeLimitExceeded", // and so is its body, says the gateway
		"ResourceNotFound",     // no such task or project
		"OperationDenied",      // the task may not be committed
		"UnsupportedOperation": // nor in this way, unless it is a lock
		return state.ClassRefused, ""

	case "ResourceInUse", "ResourceUnavailable", "ResourceInsufficient", "ResourcesSoldOut", // of the task or its resource group
		"LimitExceeded": // a quota; not the rate
		return state.ClassWaiting, ""

	case "FailedOperation", "InternalError", // anything may have been done before it failed
		"ResponseSizeLimitExceeded", // the action was carried out, its result is lost
		"ServiceUnavailable",        // does not say where the request ended
		"DryRunOperation":           // we send no DryRun
		return state.ClassUnknown, ""

	default:
		return state.ClassUnknown, ""
	}
}
