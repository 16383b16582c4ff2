package wedatasim

import (
	"crypto/hmac"
	"encoding/json"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedatasim/tc3"
)

const (
	apiVersion = "2021-08-20"
	maxRequest = 10 << 20 // bytes of a body, says the platform
)

// visit is one request on its way through the server.
type visit struct {
	n         int // of its ledger entry
	account   Account
	action    string
	body      []byte
	call      call // nil if it did not get so far
	fault     Fault
	delay     time.Duration // the fault's, with its random part
	requestID string
	err       *apiError
	again     func() *apiError // what is checked of a request that arrives late; mu is held
}

// serveAPI answers one request of the API.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		return // the client left in the middle of it: nothing was asked
	}
	v := s.receive(r, body)
	if v.fault.Effect == EffectLate {
		answer := s.holdUp(v)
		if v.fault.Answer != ReplyWhole {
			v.fault.respond(w, r, nil)
			return
		}
		select {
		case a := <-answer:
			v.fault.respond(w, r, a)
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
		return
	}
	time.Sleep(v.delay)
	answer := s.decide(v)
	time.Sleep(v.fault.Hold)
	v.fault.respond(w, r, answer)
}

// receive records the request, and checks everything that a gateway checks.
func (s *Server) receive(r *http.Request, body []byte) *visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	action, region := r.Header.Get("X-TC-Action"), r.Header.Get("X-TC-Region")
	v := &visit{requestID: s.id(), action: action, body: body}
	v.n = s.log.add(Entry{At: now, Action: action, Region: region, Digest: tc3.Digest(body), RequestID: v.requestID})
	if v.err = checkGateway(r, body, action, region, s.opts.Regions); v.err != nil {
		return v
	}
	if v.account, v.err = authenticate(s.accounts, r, body, now); v.err != nil {
		return v
	}
	e := s.log.entry(v.n)
	e.Account = v.account.UIN
	v.call, v.err = parserOf(action)(body)
	e.about(v.call)
	if !s.windows.of(windowKey{v.account.UIN, region, action}).allow(now, &s.opts) {
		v.err = errorf(codeThrottled, "your current request times equals to `%d` in a second, which exceeds the limit `%d`", s.opts.Limit+1, s.opts.Limit)
		return v
	}
	s.faults.meet(v, action, &s.world)
	v.again = func() *apiError {
		_, err := authenticate(s.accounts, r, body, s.now())
		return err
	}
	return v
}

// checkGateway reports what is wrong with the request whatever it asks.
func checkGateway(r *http.Request, body []byte, action, region string, regions []string) *apiError {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
		return errorf("UnsupportedProtocol", "only POST is supported here")
	case r.URL.Path != "/" || r.URL.RawQuery != "":
		return errorf("InvalidRequest", "the path is not /")
	case err != nil || mediaType != "application/json":
		return errorf("InvalidRequest", "the Content-Type is not application/json")
	case len(body) > maxRequest:
		return errorf("RequestSizeLimitExceeded", "the body is over %d bytes", maxRequest)
	case action == "":
		return errorf("MissingParameter", "the header X-TC-Action is missing")
	case parserOf(action) == nil:
		return errorf("InvalidAction", "the action `%s` is not known", action)
	case r.Header.Get("X-TC-Version") != apiVersion:
		return errorf("NoSuchVersion", "the version is not %s", apiVersion)
	case region == "":
		return errorf("MissingParameter", "the header X-TC-Region is missing")
	case !slices.Contains(regions, region):
		return errorf("UnsupportedRegion", "the region `%s` is not supported", region)
	}
	return nil
}

// holdUp lets the request arrive later, whoever still waits for the answer.
func (s *Server) holdUp(v *visit) <-chan []byte {
	s.mu.Lock()
	s.write(v.n)
	s.mu.Unlock()
	answer := make(chan []byte, 1)
	time.AfterFunc(v.fault.LateBy, func() {
		s.mu.Lock()
		v.err = v.again()
		s.mu.Unlock()
		answer <- s.decide(v)
	})
	return answer
}

// decide carries the request out, as far as the fault lets it, and returns the
// answer it deserves.
func (s *Server) decide(v *visit) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.fault.Effect != EffectNever {
		s.log.entry(v.n).ArrivedAt = s.now()
	}
	if v.err == nil && v.fault.Code != "" {
		v.err = &apiError{v.fault.Code, v.fault.Message}
	}
	if v.err == nil {
		v.err = v.call.check(&s.world, v.account)
	}
	fields := map[string]any{"RequestId": v.requestID}
	if v.err != nil {
		s.log.entry(v.n).Code = v.err.Code
		fields["Error"] = v.err
	} else {
		s.carryOut(v)
		result := v.call.result(&s.world)
		if s.opts.Reshape != nil && v.action != "CommitIntegrationTask" {
			s.opts.Reshape(v.action, v.body, result)
		}
		maps.Copy(fields, result)
	}
	s.write(v.n)
	answer, err := json.Marshal(map[string]any{"Response": fields})
	if err != nil {
		s.opts.Logger.Error("write answer", "error", err)
	}
	return answer
}

// defaultLimit is the documented limit of each action, in requests a second.
const defaultLimit = 20

// Window says how a server counts the requests of a second.
type Window int

// The windows. WeData's document does not say which it has.
const (
	Sliding Window = iota // no second, wherever it begins, holds more than the limit: the strictest
	Fixed                 // no second of the clock does
)

// String returns the window's name.
func (w Window) String() string {
	if w == Fixed {
		return "fixed"
	}
	return "sliding"
}

// windowKey is what is counted apart.
type windowKey struct{ uin, region, action string }

// windows counts the requests of each key.
type windows map[windowKey]*window

// of returns what counts the requests of the key.
func (all windows) of(key windowKey) *window {
	w, ok := all[key]
	if !ok {
		w = new(window)
		all[key] = w
	}
	return w
}

// window remembers the requests of the last second.
type window struct{ counted []time.Time }

// allow counts a request at now and reports whether it is within the limit.
func (w *window) allow(now time.Time, opts *Options) bool {
	if opts.Limit < 0 {
		return true
	}
	start := now.Add(-time.Second)
	if opts.Window == Fixed {
		start = now.Truncate(time.Second).Add(-1)
	}
	old := 0
	for old < len(w.counted) && !w.counted[old].After(start) {
		old++
	}
	w.counted = w.counted[old:]
	ok := len(w.counted) < opts.Limit
	if ok || opts.CountRejected {
		w.counted = append(w.counted, now)
	}
	return ok
}

const (
	service = "wedata"
	// maxSkew is how far a request's timestamp may be from the server's clock.
	maxSkew = 5 * time.Minute
)

// authenticate checks who sent the request, and returns the account.
func authenticate(accounts map[string]Account, r *http.Request, body []byte, now time.Time) (Account, *apiError) {
	a, ok := tc3.Parse(r.Header.Get("Authorization"))
	if !ok {
		return Account{}, errorf("AuthFailure.InvalidAuthorization", "the Authorization header is not of the form of %s", tc3.Algorithm)
	}
	if !slices.Contains(a.Signed, "content-type") || !slices.Contains(a.Signed, "host") || !slices.IsSorted(a.Signed) {
		return Account{}, errorf("AuthFailure.InvalidAuthorization", "SignedHeaders has to hold content-type and host, in order")
	}
	account, ok := accounts[a.SecretID]
	if !ok {
		return Account{}, errorf("AuthFailure.SecretIdNotFound", "the SecretId is not found, please ensure that your SecretId is correct")
	}
	timestamp := r.Header.Get("X-TC-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return Account{}, errorf("MissingParameter", "the header X-TC-Timestamp is missing or no number")
	}
	sent := time.Unix(seconds, 0)
	if now.Sub(sent).Abs() > maxSkew {
		return Account{}, errorf("AuthFailure.SignatureExpire", "the signature is expired: the timestamp is %d, the server's time is %d", seconds, now.Unix())
	}
	if a.Service != service || a.Date != sent.UTC().Format(time.DateOnly) {
		return Account{}, errorf("AuthFailure.SignatureFailure", "the scope of the credential is not %s/%s", sent.UTC().Format(time.DateOnly), service)
	}
	want := a.Sign(account.SecretKey, r, body)
	if !hmac.Equal([]byte(want), []byte(a.Signature)) {
		return Account{}, errorf("AuthFailure.SignatureFailure", "the provided credentials could not be validated because of a signature mismatch")
	}
	if r.Header.Get("X-TC-Token") != account.Token {
		return Account{}, errorf("AuthFailure.TokenFailure", "the token is not valid, or not that of this SecretId")
	}
	return account, nil
}
