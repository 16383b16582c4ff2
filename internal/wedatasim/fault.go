package wedatasim

import (
	"slices"
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

// Inject orders a fault and returns its number.
func (s *Server) Inject(f Fault) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faultID++
	f.ID = s.faultID
	s.faults = append(s.faults, &armed{Fault: f})
	return f.ID
}

// Clear takes back the faults with these numbers, or all of them if none is given.
func (s *Server) Clear(ids ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = slices.DeleteFunc(s.faults, func(a *armed) bool { return len(ids) == 0 || slices.Contains(ids, a.ID) })
}

// Faults returns the faults that can still be met, in the order in which they were
// ordered.
func (s *Server) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	faults := []Fault{}
	for _, a := range s.faults {
		if !a.spent() {
			faults = append(faults, a.Fault)
		}
	}
	return faults
}

// meet gives the visit the fault it meets, if any. s.mu is held.
func (s *Server) meet(v *visit, action string) {
	for _, a := range s.faults {
		if a.spent() || !a.fits(action, v.call.key()) {
			continue
		}
		a.fitted++
		if a.fitted <= a.Skip || a.Probability > 0 && s.chance("fault", v.call.key(), a.draws(v.call.key())) >= a.Probability {
			continue
		}
		a.met++
		v.fault, v.delay = a.Fault, a.Delay
		if a.Jitter > 0 {
			v.delay += s.drawn(a.Jitter, "jitter", v.call.key(), a.ID<<32|a.met)
		}
		s.entry(v.n).Fault = a.ID
		return
	}
}

func (a *armed) spent() bool { return a.Times > 0 && a.met >= a.Times }

func (a *armed) fits(action string, key taskKey) bool {
	return (a.Action == "" || a.Action == action) &&
		(a.ProjectID == "" || a.ProjectID == key.project) &&
		(a.TaskID == "" || a.TaskID == key.task)
}
