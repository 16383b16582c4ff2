package wedatasim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Effect says when a commit that meets a fault takes effect.
type Effect string

// The effects.
const (
	EffectNow   Effect = ""      // before it is answered, unless Fault.Code refuses it
	EffectNever Effect = "never" // not at all: it is lost, whatever the answer says
	// EffectLate holds the request up on its way: it reaches the service after
	// Fault.LateBy, even if the client has left, and is looked at only then, its
	// signature's age, too. Fault.Answer does not wait for that unless it is the whole one.
	EffectLate Effect = "late"
)

// Reply says what becomes of the answer.
type Reply string

// The replies.
const (
	ReplyWhole     Reply = ""          // the answer, as it should be
	ReplyDrop      Reply = "drop"      // none: the connection is closed
	ReplyReset     Reply = "reset"     // none: the connection is reset
	ReplyHang      Reply = "hang"      // none, until the client leaves
	ReplyTruncated Reply = "truncated" // half of it
	ReplySlow      Reply = "slow"      // a byte every half second
	ReplyHuge      Reply = "huge"      // 1 GiB
	ReplyEmpty     Reply = "empty"     // {}
	ReplyHTML      Reply = "html"      // a page of a proxy, with Fault.Status (502)
	ReplyRedirect  Reply = "redirect"  // to Fault.Location, with Fault.Status (307)
	ReplyRaw       Reply = "raw"       // Fault.Body, with Fault.Status (200)
)

// Fault makes some requests go wrong. Only requests that pass the gateway (a good
// signature, within the limit) meet one, and each meets the first that fits.
type Fault struct {
	ID int // given by Inject

	// Which requests: those of the action, project and task, where they are given;
	// not the first Skip of them; not more than Times, if it is not 0; and of the
	// rest one in so many, if Probability is not 0.
	Action      string
	ProjectID   string
	TaskID      string
	Skip        int
	Times       int
	Probability float64

	// What happens, in this order.
	Delay     time.Duration // before the request is looked at, and up to Jitter more
	Jitter    time.Duration
	Code      string // the request is refused with this error of the API
	Message   string
	Effect    Effect
	LateBy    time.Duration
	ApproveID string        // a commit waits for an approval with this id, which ends by order only
	Fails     bool          // the job of a commit ends with an error as soon as it took effect
	Hold      time.Duration // before the answer
	Answer    Reply
	Status    int
	Location  string
	Body      string
}

// faults are those that were ordered.
type faults struct {
	armed []*armed
	last  int // number that was given
}

// meet gives the visit the fault it meets, if any.
func (f *faults) meet(v *visit, action string, w *world) {
	for _, a := range f.armed {
		if a.spent() || !a.fits(action, v.call.key()) {
			continue
		}
		a.fitted++
		if a.fitted <= a.Skip || a.Probability > 0 && w.chance("fault", v.call.key(), a.draws(v.call.key())) >= a.Probability {
			continue
		}
		a.met++
		v.fault, v.delay = a.Fault, a.Delay
		if a.Jitter > 0 {
			v.delay += w.drawn(a.Jitter, "jitter", v.call.key(), a.ID<<32|a.met)
		}
		w.log.entry(v.n).Fault = a.ID
		return
	}
}

// armed is a fault that was ordered.
type armed struct {
	Fault
	fitted int // requests it fitted
	met    int // requests it met
	drawn  map[taskKey]int
}

// draws numbers the chances of the fault with a task, apart from other faults'.
func (a *armed) draws(key taskKey) int {
	if a.drawn == nil {
		a.drawn = make(map[taskKey]int)
	}
	a.drawn[key]++
	return a.ID<<32 | a.drawn[key]
}

func (a *armed) spent() bool { return a.Times > 0 && a.met >= a.Times }

func (a *armed) fits(action string, key taskKey) bool {
	return (a.Action == "" || a.Action == action) &&
		(a.ProjectID == "" || a.ProjectID == key.project) &&
		(a.TaskID == "" || a.TaskID == key.task)
}

const (
	hugeBody  = 1 << 30
	slowPause = 500 * time.Millisecond
)

// respond writes the answer, or what the fault makes of it.
func (f *Fault) respond(w http.ResponseWriter, r *http.Request, answer []byte) {
	switch f.Answer {
	case ReplyDrop:
		panic(http.ErrAbortHandler)
	case ReplyReset:
		reset(w)
	case ReplyHang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case ReplyTruncated:
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		write(w, http.StatusOK, "application/json", answer[:len(answer)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case ReplySlow:
		slow(w, r, answer)
	case ReplyHuge:
		huge(w)
	case ReplyEmpty:
		write(w, http.StatusOK, "application/json", []byte("{}"))
	case ReplyHTML:
		status := cmp.Or(f.Status, http.StatusBadGateway)
		write(w, status, "text/html", fmt.Appendf(nil, "<html><body><h1>%d %s</h1></body></html>\n", status, http.StatusText(status)))
	case ReplyRedirect:
		w.Header().Set("Location", f.Location)
		w.WriteHeader(cmp.Or(f.Status, http.StatusTemporaryRedirect))
	case ReplyRaw:
		write(w, cmp.Or(f.Status, http.StatusOK), "application/json", []byte(f.Body))
	default:
		write(w, http.StatusOK, "application/json", answer)
	}
}

func write(w http.ResponseWriter, status int, mediaType string, body []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left is no fault of the server's
}

// reset ends the connection with a RST where it is one of TCP.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func slow(w http.ResponseWriter, r *http.Request, answer []byte) {
	w.Header().Set("Content-Type", "application/json")
	for _, b := range answer {
		if _, err := w.Write([]byte{b}); err != nil || r.Context().Err() != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		time.Sleep(slowPause)
	}
}

// huge writes an answer that would be good if it ever ended.
func huge(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	chunk := bytes.Repeat([]byte{' '}, 1<<16)
	for n := 0; n < hugeBody; n += len(chunk) {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// faultFields are a Fault in JSON.
type faultFields struct {
	ID          int      `json:"id,omitempty"`
	Action      string   `json:"action,omitempty"`
	ProjectID   string   `json:"project_id,omitempty"`
	TaskID      string   `json:"task_id,omitempty"`
	Skip        int      `json:"skip,omitempty"`
	Times       int      `json:"times,omitempty"`
	Probability float64  `json:"probability,omitempty"`
	Delay       duration `json:"delay,omitempty"`
	Jitter      duration `json:"jitter,omitempty"`
	Code        string   `json:"code,omitempty"`
	Message     string   `json:"message,omitempty"`
	Effect      Effect   `json:"effect,omitempty"`
	LateBy      duration `json:"late_by,omitempty"`
	ApproveID   string   `json:"approve_id,omitempty"`
	Fails       bool     `json:"fails,omitempty"`
	Hold        duration `json:"hold,omitempty"`
	Answer      Reply    `json:"answer,omitempty"`
	Status      int      `json:"status,omitempty"`
	Location    string   `json:"location,omitempty"`
	Body        string   `json:"body,omitempty"`
}

// duration is written as 250ms is.
type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = duration(v)
	return err
}

// MarshalJSON writes the fault with durations such as "250ms".
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultFields{
		ID: f.ID, Action: f.Action, ProjectID: f.ProjectID, TaskID: f.TaskID, Skip: f.Skip, Times: f.Times, Probability: f.Probability,
		Delay: duration(f.Delay), Jitter: duration(f.Jitter), Code: f.Code, Message: f.Message, Effect: f.Effect, LateBy: duration(f.LateBy),
		ApproveID: f.ApproveID, Fails: f.Fails, Hold: duration(f.Hold), Answer: f.Answer, Status: f.Status, Location: f.Location, Body: f.Body,
	})
}

// UnmarshalJSON reads what MarshalJSON writes. A name that it does not know is an
// error: a fault that was meant otherwise must not seem to be ordered.
func (f *Fault) UnmarshalJSON(data []byte) error {
	var v faultFields
	if err := strictly(data, &v); err != nil {
		return err
	}
	*f = Fault{
		Action: v.Action, ProjectID: v.ProjectID, TaskID: v.TaskID, Skip: v.Skip, Times: v.Times, Probability: v.Probability,
		Delay: time.Duration(v.Delay), Jitter: time.Duration(v.Jitter), Code: v.Code, Message: v.Message, Effect: v.Effect, LateBy: time.Duration(v.LateBy),
		ApproveID: v.ApproveID, Fails: v.Fails, Hold: time.Duration(v.Hold), Answer: v.Answer, Status: v.Status, Location: v.Location, Body: v.Body,
	}
	return f.check()
}

// check reports a fault that cannot be what was meant.
func (f *Fault) check() error {
	replies := []Reply{ReplyWhole, ReplyDrop, ReplyReset, ReplyHang, ReplyTruncated, ReplySlow, ReplyHuge, ReplyEmpty, ReplyHTML, ReplyRedirect, ReplyRaw}
	switch {
	case !slices.Contains(replies, f.Answer):
		return fmt.Errorf("no such answer: %q", f.Answer)
	case !slices.Contains([]Effect{EffectNow, EffectNever, EffectLate}, f.Effect):
		return fmt.Errorf("no such effect: %q", f.Effect)
	case f.Probability < 0 || f.Probability > 1:
		return fmt.Errorf("probability %v is not between 0 and 1", f.Probability)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("no such status: %d", f.Status)
	}
	return nil
}

// faultList is one fault, or several.
type faultList []Fault

// UnmarshalJSON reads a fault or a list of them.
func (l *faultList) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		return json.Unmarshal(data, (*[]Fault)(l))
	}
	var f Fault
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	*l = faultList{f}
	return nil
}
