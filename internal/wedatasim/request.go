package wedatasim

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"time"
)

const (
	apiVersion = "2021-08-20"
	maxRequest = 10 << 20 // bytes of a body, says the platform
)

// visit is one request on its way through the server.
type visit struct {
	n         int // of its ledger entry
	account   Account
	call      call // nil if it did not get so far
	fault     Fault
	delay     time.Duration // the fault's, with its random part
	requestID string
	err       *apiError
	again     func() *apiError // what is checked of a request that arrives late; s.mu is held
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

// receive records the request, and checks everything that a gateway checks.
func (s *Server) receive(r *http.Request, body []byte) *visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	action, region := r.Header.Get("X-TC-Action"), r.Header.Get("X-TC-Region")
	v := &visit{requestID: s.id()}
	v.n = s.arrive(Entry{At: now, Action: action, Region: region, Digest: digest(body), RequestID: v.requestID})
	if v.err = s.checkGateway(r, body, action, region); v.err != nil {
		return v
	}
	if v.account, v.err = s.authenticate(r, body, now); v.err != nil {
		return v
	}
	e := s.entry(v.n)
	e.Account = v.account.UIN
	v.call, v.err = parserOf(action)(body)
	e.about(v.call)
	if !s.window(windowKey{v.account.UIN, region, action}).allow(now, &s.opts) {
		v.err = errorf(codeThrottled, "your current request times equals to `%d` in a second, which exceeds the limit `%d`", s.opts.Limit+1, s.opts.Limit)
		return v
	}
	s.meet(v, action)
	v.again = func() *apiError {
		_, err := s.authenticate(r, body, s.now())
		return err
	}
	return v
}

// checkGateway reports what is wrong with the request whatever it asks.
func (s *Server) checkGateway(r *http.Request, body []byte, action, region string) *apiError {
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
	case !slices.Contains(s.opts.Regions, region):
		return errorf("UnsupportedRegion", "the region `%s` is not supported", region)
	}
	return nil
}

// window returns what counts the requests of the key. s.mu is held.
func (s *Server) window(key windowKey) *window {
	w, ok := s.windows[key]
	if !ok {
		w = new(window)
		s.windows[key] = w
	}
	return w
}

// decide carries the request out, as far as the fault lets it, and returns the
// answer it deserves.
func (s *Server) decide(v *visit) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.fault.Effect != EffectNever {
		s.entry(v.n).ArrivedAt = s.now()
	}
	if v.err == nil && v.fault.Code != "" {
		v.err = &apiError{v.fault.Code, v.fault.Message}
	}
	if v.err == nil {
		v.err = v.call.check(s, v.account)
	}
	fields := map[string]any{"RequestId": v.requestID}
	if v.err != nil {
		s.entry(v.n).Code = v.err.Code
		fields["Error"] = v.err
	} else {
		s.carryOut(v)
		maps.Copy(fields, v.call.result(s))
	}
	s.write(v.n)
	answer, err := json.Marshal(map[string]any{"Response": fields})
	if err != nil {
		s.opts.Logger.Error("write answer", "error", err)
	}
	return answer
}

// carryOut makes a commit take effect, or wait for an approval. s.mu is held.
func (s *Server) carryOut(v *visit) {
	commit, ok := v.call.(*commitParams)
	if !ok {
		return
	}
	commit.by, commit.fails = v.account.UIN, v.fault.Fails
	switch {
	case v.fault.Effect == EffectNever:
		commit.approveID = v.fault.ApproveID
	case v.fault.ApproveID != "" || s.opts.Behavior.Approvals.wanted(commit.key()):
		s.ask(v.n, commit, v.fault.ApproveID)
	default:
		s.apply(v.n, commit)
	}
}

// apply makes a commit take effect, and records that it did. s.mu is held.
func (s *Server) apply(n int, p *commitParams) {
	s.commit(p)
	s.sequence++
	e := s.entry(n)
	e.Applied, e.Sequence, e.AppliedAt = true, s.sequence, s.now()
}

// about notes what the call asks for.
func (e *Entry) about(c call) {
	key := c.key()
	e.ProjectID, e.TaskID = key.project, key.task
	if p, ok := c.(*commitParams); ok {
		e.CommitType, e.InstanceVersion, e.VersionDesc = p.CommitType, p.InstanceVersion, p.VersionDesc
	}
}

// id returns a random id in the form of a UUID. s.mu is held.
func (s *Server) id() string {
	var b [16]byte
	for i := range b {
		b[i] = byte(s.rand.UintN(256))
	}
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
