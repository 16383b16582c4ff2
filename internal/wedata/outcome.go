package wedata

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"syscall"

	"github.com/wedatasync/wedatasync/state"
)

// Response is everything one request came to.
type Response struct {
	Wrote       bool   // a byte of the request was written, or may have been
	Err         error  // why there is no whole answer; nil if Body is whole
	HTTPStatus  int    // 0 if no answer began
	ContentType string // as the answer claims; it decides nothing
	Body        []byte
	Secrets     []string // never kept: an answer may repeat them
}

// The words of our own that stand in [state.Outcome.Code] where no error code of
// the API can: what happened below it.
const (
	CodeNoCredentials = "NoCredentials"       // there are none to sign with
	CodeClock         = "ClockOff"            // this machine's clock is too far off to sign by
	CodeCanceled      = "Canceled"            // the request was ended on this side
	CodeTimeout       = "Timeout"             // no whole answer in time
	CodeUnknownHost   = "UnknownHost"         // the endpoint's name does not resolve
	CodeNoConnection  = "NoConnection"        // nothing listens, or no way leads there
	CodeUntrusted     = "UntrustedConnection" // TLS failed
	CodeBroken        = "ConnectionBroken"    // it was closed or reset before the answer was whole
	CodeRedirect      = "Redirect"            // the answer points elsewhere
	CodeTooLarge      = "AnswerTooLarge"      // the answer is over the bound
	CodeNetwork       = "NetworkFault"        // another fault of the network
	CodeStatus        = "HTTPStatus"          // the status is not 200
	CodeMalformed     = "MalformedAnswer"     // the answer is not the API's, or could mean two things
	CodeDataFalse     = "DataFalse"           // the API answered Data: false, without an error
	CodeUnasked       = "UnaskedAnswer"       // an answer to a request that was not written
)

// Classify says what the answer to a commit means. It is pure, and strict: every
// class but unknown is given only to an answer that can mean nothing else.
func Classify(a Response) state.Outcome {
	return clean(classify(&a), newCleaner(a.Secrets))
}

// clean makes what came from outside fit to be kept.
func clean(out state.Outcome, t cleaner) state.Outcome {
	out.Message = t.text(out.Message)
	out.Code = t.id(out.Code)
	out.RequestID = t.id(out.RequestID)
	out.TaskApproveID = t.id(out.TaskApproveID)
	return out
}

func classify(a *Response) state.Outcome {
	r, out := receive(a)
	switch {
	case r == nil:
		return out
	case r.fail != nil:
		return failed(r)
	default:
		return committed(r)
	}
}

// receive returns the reply that the answer holds, or what it means that it holds
// none.
func receive(a *Response) (*reply, state.Outcome) {
	unknown := func(code, message string) (*reply, state.Outcome) {
		return nil, state.Outcome{Class: state.ClassUnknown, Code: code, Message: message}
	}
	switch {
	case !a.Wrote && a.HTTPStatus != 0:
		return unknown(CodeUnasked, "an answer came before the request was written")
	case !a.Wrote:
		out := state.Outcome{Class: state.ClassNotSent, Code: faultCode(a.Err)}
		if a.Err != nil {
			out.Message = a.Err.Error()
		}
		return nil, out
	case a.Err != nil:
		return unknown(faultCode(a.Err), a.Err.Error())
	case a.HTTPStatus != http.StatusOK:
		return unknown(CodeStatus, fmt.Sprintf("answered %d %s, %s", a.HTTPStatus, http.StatusText(a.HTTPStatus), a.media()))
	}
	r, err := parseReply(a.Body)
	if err != nil {
		return unknown(CodeMalformed, fmt.Sprintf("answered %d bytes, %s, that are no answer of the API: %s", len(a.Body), a.media(), err))
	}
	return r, state.Outcome{}
}

func (a *Response) media() string {
	if a.ContentType == "" {
		return "of no stated type"
	}
	return "of type " + a.ContentType
}

// failed says what an error of the API means.
func failed(r *reply) state.Outcome {
	out := state.Outcome{Code: r.fail.code, Message: r.fail.message, RequestID: r.requestID}
	var hint string
	out.Class, hint = classOf(r.fail.code)
	if locker := lockedBy(r.fail); locker != "" {
		out.Class, out.Locker = state.ClassWaiting, locker
	}
	if hint != "" {
		// The hint goes first, where no clipping reaches it.
		out.Message = hint + ": " + out.Message
	}
	return out
}

// lockedBy returns who holds the task's lock, if the error is about that. It is the
// one place where text decides, for want of a code; the API document has the text.
func lockedBy(e *apiError) string {
	if base(e.code) != "UnsupportedOperation" {
		return ""
	}
	m := regexp.MustCompile(`\bis locked by ([0-9]{1,20})\b`).FindStringSubmatch(e.message)
	if m == nil {
		return ""
	}
	return m[1]
}

// committed says what the result of CommitIntegrationTask means.
func committed(r *reply) state.Outcome {
	out := state.Outcome{Class: state.ClassUnknown, Code: CodeMalformed, RequestID: r.requestID}
	approval, err := approvalOf(r.fields["DataDto"])
	if err != nil {
		out.Message = err.Error()
		return out
	}
	switch data := r.fields["Data"]; {
	case bytes.Equal(data, []byte("true")):
		return state.Outcome{Class: state.ClassApplied, RequestID: r.requestID, TaskApproveID: approval}
	case bytes.Equal(data, []byte("false")) && approval == "":
		out.Class, out.Code = state.ClassRefused, CodeDataFalse
		out.Message = "WeData answered Data: false, without a reason"
	default:
		out.Message = "the answer has no Data that is true or false"
	}
	return out
}

// approvalOf returns the id of the approval that a commit waits for, if any.
func approvalOf(dto json.RawMessage) (string, error) {
	if dto == nil {
		return "", nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(dto, &fields); err != nil {
		return "", errors.New("the answer has a DataDto that is not an object")
	}
	raw, ok := fields["TaskApproveId"]
	if !ok {
		return "", nil
	}
	var id *string
	if err := json.Unmarshal(raw, &id); err != nil || id != nil && *id != "" && !isID(*id) {
		return "", errors.New("the answer has a TaskApproveId that is not an id")
	}
	if id == nil {
		return "", nil
	}
	return *id, nil
}

// faultCode names a fault below the API. It is for people: nothing is decided by it.
func faultCode(err error) string {
	var redirect *redirectError
	var dns *net.DNSError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &redirect):
		return CodeRedirect
	case errors.Is(err, errBodyTooLarge):
		return CodeTooLarge
	case errors.Is(err, context.Canceled):
		return CodeCanceled
	case errors.As(err, &dns):
		return CodeUnknownHost
	case isTimeout(err):
		return CodeTimeout
	case isTLS(err):
		return CodeUntrusted
	case isDial(err):
		return CodeNoConnection
	case errors.Is(err, errClosed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		return CodeBroken
	default:
		return CodeNetwork
	}
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && t.Timeout()
}

func isTLS(err error) bool {
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	// An alert of the other side, or of this one.
	op, ok := errors.AsType[*net.OpError](err)
	return verification || record || ok && (op.Op == "remote error" || op.Op == "local error")
}

func isDial(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}
