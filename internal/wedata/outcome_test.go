package wedata

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/state"
)

const (
	requestID = "6a160ebb-720b-47a7-8f88-4e30f033955d"
	goodBody  = `{"Response":{"Data":true,"DataDto":{"TaskApproveId":null},"RequestId":"` + requestID + `"}}`
)

// answered is a whole answer of status 200.
func answered(body string) Response {
	return Response{Wrote: true, HTTPStatus: http.StatusOK, ContentType: "application/json", Body: []byte(body)}
}

// refusal is the body of an error.
func refusal(code, message string) string {
	return fmt.Sprintf(`{"Response":{"Error":{"Code":%q,"Message":%q},"RequestId":%q}}`, code, message, requestID)
}

// codeClasses is what each error code means: those of the API document, then the
// platform's, then some that neither has.
func codeClasses() map[string]state.Class {
	return map[string]state.Class{
		// CommitIntegrationTask.
		"AuthFailure":                 state.ClassAuth,
		"AuthFailure.SignatureExpire": state.ClassAuth,
		"FailedOperation":             state.ClassUnknown,
		"InternalError":               state.ClassUnknown,
		"InvalidParameter":            state.ClassRefused,
		"InvalidParameterValue":       state.ClassRefused,
		"LimitExceeded":               state.ClassWaiting,
		"MissingParameter":            state.ClassRefused,
		"OperationDenied":             state.ClassRefused,
		"RequestLimitExceeded":        state.ClassThrottled,
		"ResourceInUse":               state.ClassWaiting,
		"ResourceInsufficient":        state.ClassWaiting,
		"ResourceNotFound":            state.ClassRefused,
		"ResourceUnavailable":         state.ClassWaiting,
		"UnauthorizedOperation":       state.ClassUnauthorized,
		"UnknownParameter":            state.ClassRefused,
		"UnsupportedOperation":        state.ClassRefused,

		// Sub-codes of its product that mean something else than their class.
		"FailedOperation.NoLock":                  state.ClassUnknown,
		"InvalidParameter.ServiceIsBusy":          state.ClassWaiting,
		"InvalidParameter.ClientIpNotAuthorized":  state.ClassAuth,
		"OperationDenied.UserNotInWhitelistError": state.ClassAuth,
		"ResourcesSoldOut":                        state.ClassWaiting,
		"UnauthorizedOperation.UserNotInProject":  state.ClassUnauthorized,

		// The platform.
		"ActionOffline":                                     state.ClassAuth,
		"AuthFailure.InvalidAuthorization":                  state.ClassAuth,
		"AuthFailure.InvalidSecretId":                       state.ClassAuth,
		"AuthFailure.MFAFailure":                            state.ClassAuth,
		"AuthFailure.SecretIdNotFound":                      state.ClassAuth,
		"AuthFailure.SignatureFailure":                      state.ClassAuth,
		"AuthFailure.TokenFailure":                          state.ClassAuth,
		"AuthFailure.UnauthorizedOperation":                 state.ClassUnauthorized,
		"DryRunOperation":                                   state.ClassUnknown,
		"InvalidAction":                                     state.ClassAuth,
		"InvalidRequest":                                    state.ClassRefused,
		"IpInBlacklist":                                     state.ClassAuth,
		"IpNotInWhitelist":                                  state.ClassAuth,
		"NoSuchProduct":                                     state.ClassAuth,
		"NoSuchVersion":                                     state.ClassAuth,
		"RequestLimitExceeded.GlobalRegionUinLimitExceeded": state.ClassThrottled,
		"RequestLimitExceeded.IPLimitExceeded":              state.ClassThrottled,
		"RequestLimitExceeded.UinLimitExceeded":             state.ClassThrottled,
		"RequestSizeLimitExceeded":                          state.ClassRefused,
		"ResponseSizeLimitExceeded":                         state.ClassUnknown,
		"ServiceUnavailable":                                state.ClassUnknown,
		"UnsupportedProtocol":                               state.ClassAuth,
		"UnsupportedRegion":                                 state.ClassAuth,

		// Neither.
		"AuthFailureX":               state.ClassUnknown,
		"InvalidParameterX":          state.ClassUnknown,
		"requestlimitexceeded":       state.ClassUnknown,
		"X.RequestLimitExceeded":     state.ClassUnknown,
		"ClientError.NetworkError":   state.ClassUnknown,
		"UnauthorizedOperationX":     state.ClassUnknown,
		"InternalError.AuthFailure":  state.ClassUnknown,
		"FailedOperation.TaskLocked": state.ClassUnknown,
	}
}

// behaviour is one thing a server, or the way to it, can do.
type behaviour struct {
	name   string
	answer Response
	class  state.Class
}

// behaviours returns all that the table test judges.
func behaviours() []behaviour {
	var all []behaviour
	add := func(class state.Class, name string, a Response) { all = append(all, behaviour{name, a, class}) }

	for code, class := range codeClasses() {
		body := refusal(code, "no")
		add(class, "error "+code, answered(body))
		add(class, "error "+code+" with a sub-code", answered(refusal(code+".Detail", "no")))
		add(state.ClassUnknown, code+" without a RequestId", answered(fmt.Sprintf(`{"Response":{"Error":{"Code":%q,"Message":"no"}}}`, code)))
		add(state.ClassUnknown, code+" beside a result", answered(strings.Replace(body, `{"Error"`, `{"Data":true,"Error"`, 1)))
		add(state.ClassUnknown, code+" with status 500", withStatus(answered(body), 500))
		add(state.ClassUnknown, code+" cut off", answered(body[:len(body)-2]))
		add(state.ClassUnknown, code+" twice", answered(body+body))
	}
	for name, fault := range faults() {
		add(state.ClassNotSent, name+" before a byte was written", Response{Err: fault})
		add(state.ClassUnknown, name+" after the request was written", Response{Wrote: true, Err: fault})
		add(state.ClassUnknown, name+" in a good answer", Response{Wrote: true, Err: fault, HTTPStatus: 200, Body: []byte(goodBody)})
	}
	for name, body := range malformed() {
		add(state.ClassUnknown, "body: "+name, answered(body))
	}
	for n := range len(goodBody) {
		add(state.ClassUnknown, fmt.Sprintf("a good answer cut off after %d bytes", n), answered(goodBody[:n]))
	}
	for _, status := range []int{100, 101, 201, 202, 203, 204, 206, 300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 408, 409, 413, 418, 425, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 520, 524, 599} {
		add(state.ClassUnknown, fmt.Sprintf("status %d", status), withStatus(answered(goodBody), status))
	}

	// What is left is plain.
	add(state.ClassApplied, "applied", answered(goodBody))
	add(state.ClassApplied, "applied, with blanks", answered(" \n"+strings.ReplaceAll(goodBody, ":", " : ")+"\n"))
	add(state.ClassApplied, "applied, without DataDto", answered(`{"Response":{"Data":true,"RequestId":"as1cs2c123asyi23bh213cc"}}`))
	add(state.ClassApplied, "applied, DataDto null", answered(`{"Response":{"Data":true,"DataDto":null,"RequestId":"a"}}`))
	add(state.ClassApplied, "applied, DataDto empty", answered(`{"Response":{"Data":true,"DataDto":{},"RequestId":"a"}}`))
	add(state.ClassApplied, "applied, TaskApproveId empty", answered(`{"Response":{"Data":true,"DataDto":{"TaskApproveId":""},"RequestId":"a"}}`))
	add(state.ClassApplied, "applied, with the longest id", answered(`{"Response":{"Data":true,"RequestId":"`+strings.Repeat("a", maxID)+`"}}`))
	add(state.ClassApplied, "applied, nested as deep as may be", answered(`{"Response":{"Data":true,"Extra":`+strings.Repeat("[", maxDepth-2)+strings.Repeat("]", maxDepth-2)+`,"RequestId":"a"}}`))
	add(state.ClassUnknown, "applied, nested deeper", answered(`{"Response":{"Data":true,"Extra":`+strings.Repeat("[", maxDepth-1)+strings.Repeat("]", maxDepth-1)+`,"RequestId":"a"}}`))
	add(state.ClassRefused, "refused, with the longest code", answered(refusal("InvalidParameter."+strings.Repeat("a", maxID-len("InvalidParameter.")), "no")))
	add(state.ClassApplied, "applied, waiting for approval", answered(`{"Response":{"Data":true,"DataDto":{"TaskApproveId":"7"},"RequestId":"a"}}`))
	add(state.ClassApplied, "applied, with a field we do not know", answered(`{"Response":{"Data":true,"Extra":[{"a":1}],"RequestId":"a"}}`))
	add(state.ClassApplied, "applied, in text/html", Response{Wrote: true, HTTPStatus: 200, ContentType: "text/html", Body: []byte(goodBody)})
	add(state.ClassRefused, "Data: false", answered(`{"Response":{"Data":false,"RequestId":"a"}}`))
	add(state.ClassWaiting, "locked", answered(refusal("UnsupportedOperation", "CloudApiException: The current task is locked by 100028625403 and cannot be committed")))
	add(state.ClassWaiting, "locked, with a sub-code", answered(refusal("UnsupportedOperation.Task", "is locked by 1")))
	add(state.ClassRefused, "locked, by nobody", answered(refusal("UnsupportedOperation", "The current task is locked by and cannot be committed")))
	add(state.ClassRefused, "locked, by a name", answered(refusal("UnsupportedOperation", "The current task is locked by x1")))
	add(state.ClassRefused, "locked, in an error about something else", answered(refusal("InvalidParameter", "the task is locked by 100028625403")))
	add(state.ClassUnknown, "locked, in an error that may have acted", answered(refusal("FailedOperation", "the task is locked by 100028625403")))
	add(state.ClassNotSent, "nothing at all", Response{})
	add(state.ClassUnknown, "an answer to a request that was not written", Response{HTTPStatus: 200, Body: []byte(goodBody)})
	add(state.ClassUnknown, "a refusal of a request that was not written", Response{HTTPStatus: 200, Body: []byte(refusal("InvalidParameter", "no"))})
	return all
}

func withStatus(a Response, status int) Response {
	a.HTTPStatus = status
	return a
}

// faults are the errors that a transport gives.
func faults() map[string]error {
	op := func(op string, err error) error { return &net.OpError{Op: op, Net: "tcp", Err: err} }
	return map[string]error{
		"unknown host":            op("dial", &net.DNSError{Err: "no such host", Name: "x.invalid", IsNotFound: true}),
		"connection refused":      op("dial", os.NewSyscallError("connect", syscall.ECONNREFUSED)),
		"network unreachable":     op("dial", os.NewSyscallError("connect", syscall.ENETUNREACH)),
		"connect timeout":         op("dial", os.ErrDeadlineExceeded),
		"certificate not trusted": &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
		"certificate of another":  &tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: new(x509.Certificate), Host: "x"}},
		"no TLS":                  tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"},
		"TLS alert":               op("remote error", tls.AlertError(40)),
		"read timeout":            op("read", os.ErrDeadlineExceeded),
		"deadline":                context.DeadlineExceeded,
		"canceled":                context.Canceled,
		"reset":                   op("read", os.NewSyscallError("read", syscall.ECONNRESET)),
		"broken pipe":             op("write", os.NewSyscallError("write", syscall.EPIPE)),
		"closed":                  io.EOF,
		"closed in the body":      io.ErrUnexpectedEOF,
		"closed by us":            net.ErrClosed,
		"redirect":                &redirectError{307},
		"too large":               errBodyTooLarge,
		"wrapped by the client":   &url.Error{Op: "Post", URL: "https://x", Err: io.EOF},
		"not HTTP":                errors.New("net/http: malformed HTTP response"),
		"refused to repeat":       errSecondRequest,
	}
}

// malformed are bodies that are no answer, or could be read in two ways.
func malformed() map[string]string {
	id := `"RequestId":"a"`
	return map[string]string{
		"empty":                              "",
		"blank":                              " \n",
		"empty object":                       `{}`,
		"null":                               `null`,
		"true":                               `true`,
		"a list":                             `[` + goodBody + `]`,
		"a string":                           `"` + strings.ReplaceAll(goodBody, `"`, `\"`) + `"`,
		"HTML":                               "<html><body>502 Bad Gateway</body></html>",
		"JSON after HTML":                    "<!-- -->" + goodBody,
		"HTML after JSON":                    goodBody + "<html>",
		"a byte order mark":                  "\uFEFF" + goodBody,
		"a NUL at the end":                   goodBody + "\x00",
		"invalid UTF-8":                      `{"Response":{"Data":true,"RequestId":"` + "\xff" + `"}}`,
		"UTF-16":                             "{\x00\"\x00R\x00",
		"a comment":                          `{/**/"Response":{"Data":true,` + id + `}}`,
		"a trailing comma":                   `{"Response":{"Data":true,` + id + `,}}`,
		"single quotes":                      `{'Response':{'Data':true}}`,
		"no Response":                        `{"Data":true,` + id + `}`,
		"Response null":                      `{"Response":null}`,
		"Response a list":                    `{"Response":[{"Data":true,` + id + `}]}`,
		"Response a string":                  `{"Response":"ok"}`,
		"Response in small letters":          `{"response":{"Data":true,` + id + `}}`,
		"Response twice":                     `{"Response":{"Data":true,` + id + `},"Response":{"Data":false,` + id + `}}`,
		"Response in both cases":             `{"Response":{"Data":true,` + id + `},"response":{}}`,
		"something beside Response":          `{"Response":{"Data":true,` + id + `},"code":4000}`,
		"the old API's error":                `{"code":4000,"message":"no","codeDesc":"InvalidParameter"}`,
		"no RequestId":                       `{"Response":{"Data":true}}`,
		"RequestId null":                     `{"Response":{"Data":true,"RequestId":null}}`,
		"RequestId empty":                    `{"Response":{"Data":true,"RequestId":""}}`,
		"RequestId a number":                 `{"Response":{"Data":true,"RequestId":7}}`,
		"RequestId with a blank":             `{"Response":{"Data":true,"RequestId":"a b"}}`,
		"RequestId too long":                 `{"Response":{"Data":true,"RequestId":"` + strings.Repeat("a", maxID+1) + `"}}`,
		"RequestId twice":                    `{"Response":{"Data":true,` + id + `,"RequestId":"b"}}`,
		"RequestId in small letters":         `{"Response":{"Data":true,"requestid":"a"}}`,
		"no Data":                            `{"Response":{` + id + `}}`,
		"Data null":                          `{"Response":{"Data":null,` + id + `}}`,
		"Data a string":                      `{"Response":{"Data":"true",` + id + `}}`,
		"Data a number":                      `{"Response":{"Data":1,` + id + `}}`,
		"Data an object":                     `{"Response":{"Data":{},` + id + `}}`,
		"Data a list":                        `{"Response":{"Data":[true],` + id + `}}`,
		"Data in small letters":              `{"Response":{"data":true,` + id + `}}`,
		"Data twice":                         `{"Response":{"Data":true,"Data":false,` + id + `}}`,
		"Data twice the same":                `{"Response":{"Data":true,"Data":true,` + id + `}}`,
		"Data in both cases":                 `{"Response":{"Data":true,"data":false,` + id + `}}`,
		"Data twice by an escape":            `{"Response":{"Data":true,"\u0044ata":false,` + id + `}}`,
		"Data outside and inside":            `{"Data":true,"Response":{"Data":true,` + id + `}}`,
		"Data false with an approval":        `{"Response":{"Data":false,"DataDto":{"TaskApproveId":"7"},` + id + `}}`,
		"DataDto a string":                   `{"Response":{"Data":true,"DataDto":"7",` + id + `}}`,
		"DataDto a list":                     `{"Response":{"Data":true,"DataDto":[],` + id + `}}`,
		"TaskApproveId a number":             `{"Response":{"Data":true,"DataDto":{"TaskApproveId":7},` + id + `}}`,
		"TaskApproveId with a blank":         `{"Response":{"Data":true,"DataDto":{"TaskApproveId":"a b"},` + id + `}}`,
		"TaskApproveId twice":                `{"Response":{"Data":true,"DataDto":{"TaskApproveId":"7","TaskApproveId":null},` + id + `}}`,
		"Error null":                         `{"Response":{"Data":true,"Error":null,` + id + `}}`,
		"Error null alone":                   `{"Response":{"Error":null,` + id + `}}`,
		"Error empty":                        `{"Response":{"Error":{},` + id + `}}`,
		"Error a string":                     `{"Response":{"Error":"InvalidParameter",` + id + `}}`,
		"Error a list":                       `{"Response":{"Error":[{"Code":"InvalidParameter","Message":"no"}],` + id + `}}`,
		"Error without Message":              `{"Response":{"Error":{"Code":"InvalidParameter"},` + id + `}}`,
		"Error without Code":                 `{"Response":{"Error":{"Message":"no"},` + id + `}}`,
		"Error Code null":                    `{"Response":{"Error":{"Code":null,"Message":"no"},` + id + `}}`,
		"Error Code empty":                   `{"Response":{"Error":{"Code":"","Message":"no"},` + id + `}}`,
		"Error Code a number":                `{"Response":{"Error":{"Code":4000,"Message":"no"},` + id + `}}`,
		"Error Code with a blank":            `{"Response":{"Error":{"Code":"InvalidParameter ","Message":"no"},` + id + `}}`,
		"Error Code with a dot at the end":   `{"Response":{"Error":{"Code":"InvalidParameter.","Message":"no"},` + id + `}}`,
		"Error Code with a dot at the front": `{"Response":{"Error":{"Code":".InvalidParameter","Message":"no"},` + id + `}}`,
		"Error Code too long":                `{"Response":{"Error":{"Code":"InvalidParameter.` + strings.Repeat("a", maxID) + `","Message":"no"},` + id + `}}`,
		"Error Code twice":                   `{"Response":{"Error":{"Code":"InvalidParameter","Code":"InternalError","Message":"no"},` + id + `}}`,
		"Error Message a number":             `{"Response":{"Error":{"Code":"InvalidParameter","Message":7},` + id + `}}`,
		"Error twice":                        `{"Response":{"Error":{"Code":"InvalidParameter","Message":"no"},"Error":{"Code":"InternalError","Message":"no"},` + id + `}}`,
		"Error outside":                      `{"Error":{"Code":"InvalidParameter","Message":"no"},"Response":{` + id + `}}`,
		"Error beside Data false":            `{"Response":{"Data":false,"Error":{"Code":"InvalidParameter","Message":"no"},` + id + `}}`,
		"Error beside Data null":             `{"Response":{"Data":null,"Error":{"Code":"InvalidParameter","Message":"no"},` + id + `}}`,
		"Error beside DataDto":               `{"Response":{"DataDto":null,"Error":{"Code":"InvalidParameter","Message":"no"},` + id + `}}`,
		"Error beside what we do not know":   `{"Response":{"Extra":1,"Error":{"Code":"InvalidParameter","Message":"no"},` + id + `}}`,
		"nested too deep":                    `{"Response":{"Data":true,"Extra":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `,` + id + `}}`,
		"a key twice deep inside":            `{"Response":{"Data":true,"Extra":[{"a":{"b":1,"B":2}}],` + id + `}}`,
		"two answers, a line each":           goodBody + "\n" + goodBody,
		"a stream of events":                 "data: " + goodBody + "\n\n",
		"chunks that were not put together":  fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(goodBody), goodBody),
	}
}

func TestClassifyTable(t *testing.T) {
	all := behaviours()
	if len(all) < 300 {
		t.Errorf("%d behaviours, want at least 300", len(all))
	}
	seen := make(map[string]bool)
	for _, b := range all {
		if seen[b.name] {
			t.Errorf("two behaviours are named %q", b.name)
		}
		seen[b.name] = true
		if out := Classify(b.answer); out.Class != b.class {
			t.Errorf("%s: %s, want %s (%+v)", b.name, out.Class, b.class, out)
		}
	}
}

func TestClassifyKeepsWhatTheAnswerSays(t *testing.T) {
	tests := []struct {
		name   string
		answer Response
		want   state.Outcome
	}{
		{
			"applied",
			answered(goodBody),
			state.Outcome{Class: state.ClassApplied, RequestID: requestID},
		},
		{
			"applied, and waiting for a person",
			answered(`{"Response":{"Data":true,"DataDto":{"TaskApproveId":"a-1"},"RequestId":"r"}}`),
			state.Outcome{Class: state.ClassApplied, RequestID: "r", TaskApproveID: "a-1"},
		},
		{
			"the lock of the API document",
			answered(refusal("UnsupportedOperation", "CloudApiException: The current task is locked by 100028625403 and cannot be committed")),
			state.Outcome{
				Class: state.ClassWaiting, Code: "UnsupportedOperation", RequestID: requestID, Locker: "100028625403",
				Message: "CloudApiException: The current task is locked by 100028625403 and cannot be committed",
			},
		},
		{
			"an expired signature says what to check",
			answered(refusal("AuthFailure.SignatureExpire", "expired")),
			state.Outcome{
				Class: state.ClassAuth, Code: "AuthFailure.SignatureExpire", RequestID: requestID,
				Message: "check this machine's clock: it is over 5 minutes off: expired",
			},
		},
		{
			"a message on several lines, with what cannot be seen",
			answered(`{"Response":{"Error":{"Code":"InvalidParameter","Message":"a\n\tb\u202ec\u0000d\u200b e"},"RequestId":"r"}}`),
			state.Outcome{Class: state.ClassRefused, Code: "InvalidParameter", RequestID: "r", Message: "a b c d e"},
		},
		{
			"a page of a proxy",
			Response{Wrote: true, HTTPStatus: 502, ContentType: "text/html", Body: []byte("<html>")},
			state.Outcome{Class: state.ClassUnknown, Code: CodeStatus, Message: "answered 502 Bad Gateway, of type text/html"},
		},
		{
			"an answer that means two things",
			answered(`{"Response":{"Data":true,"Data":false,"RequestId":"r"}}`),
			state.Outcome{Class: state.ClassUnknown, Code: CodeMalformed, Message: "answered 55 bytes, of type application/json, that are no answer of the API: a key twice in one object"},
		},
		{
			"a connection that was refused",
			Response{Err: faults()["connection refused"]},
			state.Outcome{Class: state.ClassNotSent, Code: CodeNoConnection, Message: "dial tcp: connect: connection refused"},
		},
		{
			"a request in a redirect",
			Response{Wrote: true, Err: &redirectError{307}},
			state.Outcome{Class: state.ClassUnknown, Code: CodeRedirect, Message: "read answer: a redirect (307), which is not followed; is the endpoint right?"},
		},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, Classify(tt.answer)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestFaultCodes(t *testing.T) {
	want := map[string]string{
		"unknown host": CodeUnknownHost, "connection refused": CodeNoConnection, "network unreachable": CodeNoConnection,
		"connect timeout": CodeTimeout, "certificate not trusted": CodeUntrusted, "certificate of another": CodeUntrusted,
		"no TLS": CodeUntrusted, "TLS alert": CodeUntrusted, "read timeout": CodeTimeout, "deadline": CodeTimeout,
		"canceled": CodeCanceled, "reset": CodeBroken, "broken pipe": CodeBroken, "closed": CodeBroken,
		"closed in the body": CodeBroken, "closed by us": CodeBroken, "redirect": CodeRedirect, "too large": CodeTooLarge,
		"wrapped by the client": CodeBroken, "not HTTP": CodeNetwork, "refused to repeat": CodeNetwork,
	}
	for name, fault := range faults() {
		if got := faultCode(fault); got != want[name] {
			t.Errorf("%s: %q, want %q", name, got, want[name])
		}
	}
}

// An answer that can mean two things, or means nothing, is never taken for a sure
// sign that nothing happened.
func TestLawAmbiguousIsUnknown(t *testing.T) {
	var codes []string
	for code := range codeClasses() {
		codes = append(codes, code)
	}
	spoil := map[string]func(*rapid.T, *Response){
		"cut off": func(t *rapid.T, a *Response) { a.Body = a.Body[:rapid.IntRange(0, len(a.Body)-1).Draw(t, "at")] },
		"status":  func(t *rapid.T, a *Response) { a.HTTPStatus = rapid.IntRange(201, 999).Draw(t, "status") },
		"broken":  func(_ *rapid.T, a *Response) { a.Err = io.ErrUnexpectedEOF },
		"continued": func(t *rapid.T, a *Response) {
			a.Body = append(a.Body, rapid.StringMatching(`[^ \t\r\n].*`).Draw(t, "more")...)
		},
		"no id":       func(_ *rapid.T, a *Response) { a.Body = replace(a.Body, `"RequestId"`, `"Id"`) },
		"a result":    func(_ *rapid.T, a *Response) { a.Body = replace(a.Body, `{"Error"`, `{"Data":true,"Error"`) },
		"two errors":  func(_ *rapid.T, a *Response) { a.Body = replace(a.Body, `{"Error"`, `{"error":{},"Error"`) },
		"two codes":   func(_ *rapid.T, a *Response) { a.Body = replace(a.Body, `{"Code"`, `{"CODE":"InternalError","Code"`) },
		"wrong type":  func(_ *rapid.T, a *Response) { a.Body = replace(a.Body, `"Message":"no"`, `"Message":{}`) },
		"not written": func(_ *rapid.T, a *Response) { a.Wrote = false },
	}
	var ways []string
	for way := range spoil {
		ways = append(ways, way)
	}
	rapid.Check(t, func(t *rapid.T) {
		a := answered(refusal(rapid.SampledFrom(codes).Draw(t, "code"), "no"))
		spoil[rapid.SampledFrom(ways).Draw(t, "way")](t, &a)
		if out := Classify(a); out.Class != state.ClassUnknown {
			t.Fatalf("%q: %+v", a.Body, out)
		}
	})
}

func replace(body []byte, old, by string) []byte {
	return []byte(strings.Replace(string(body), old, by, 1))
}

// FuzzClassify gives any bytes as a body. Whatever they are, the outcome has a
// class that fits what was written, and texts that are bounded and clean.
func FuzzClassify(f *testing.F) {
	for _, b := range behaviours() {
		f.Add(b.answer.Body, b.answer.HTTPStatus, b.answer.Wrote)
	}
	const secret = "AKIDcanary0123456789"
	f.Add([]byte(refusal("InvalidParameter", "your id is "+secret)), 200, true)
	f.Fuzz(func(t *testing.T, body []byte, status int, wrote bool) {
		if len(body) > maxBody {
			t.Skip()
		}
		out := Classify(Response{Wrote: wrote, HTTPStatus: status, Body: body, Secrets: []string{secret}})
		if (out.Class == state.ClassNotSent) != (!wrote && status == 0) {
			t.Errorf("written %v, status %d: %s", wrote, status, out.Class)
		}
		if out.Class != state.ClassUnknown && out.Class != state.ClassNotSent && (status != 200 || out.RequestID == "") {
			t.Errorf("a sure outcome from status %d and request %q: %+v", status, out.RequestID, out)
		}
		for _, text := range []string{out.Message, out.Code, out.RequestID, out.TaskApproveID, out.Locker} {
			if len(text) > state.MaxMessage || strings.ContainsAny(text, "\x00\n\r\x1b\u202e") || strings.Contains(text, secret) {
				t.Errorf("kept %q", text)
			}
		}
	})
}
