package explain

import (
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// ReasonCode says what kind of thing an operator has to do. The codes are a closed set.
type ReasonCode string

// The codes of a Reason.
const (
	ReasonState       ReasonCode = "state"        // the state cannot be written
	ReasonCredentials ReasonCode = "credentials"  // WeData accepts the credentials not at all, or not for a project
	ReasonUnknown     ReasonCode = "unknown"      // only an operator can tell what became of a commit
	ReasonGuard       ReasonCode = "guard"        // a guard holds the plan
	ReasonRefused     ReasonCode = "refused"      // WeData refused a commit
	ReasonNotRunning  ReasonCode = "not-running"  // what was applied did not come to run
	ReasonUnhealthy   ReasonCode = "unhealthy"    // what was applied runs, and is not healthy
	ReasonContested   ReasonCode = "contested"    // a task is changed by others again whenever it is healed
	ReasonNotLive     ReasonCode = "not-live"     // an accepted commit was not seen live in time
	ReasonAlreadyLive ReasonCode = "already-live" // what is wanted is live, by an operation that the state does not know
	ReasonNewerLive   ReasonCode = "newer-live"   // a newer version is live than is wanted
	ReasonNoSavepoint ReasonCode = "no-savepoint" // there is no savepoint of a state that is to be kept
	ReasonRecalled    ReasonCode = "recalled"     // a spec is back, and it is not known which version was applied
	ReasonSpent       ReasonCode = "spent"        // an acknowledgement of lost state was used already
	ReasonDrifted     ReasonCode = "drifted"      // others have changed a task, and the policy does no more than to report it
	ReasonSpecs       ReasonCode = "specs"        // a file or a commit of the source cannot be used
	ReasonSource      ReasonCode = "source"       // the source cannot be read
	ReasonSignature   ReasonCode = "signature"    // the newest revision is not signed by whom it has to be
	// The configuration on disk cannot be used, or not without a restart.
	ReasonConfiguration ReasonCode = "configuration"
)

// reasonInfo is a code in words.
type reasonInfo struct {
	code  ReasonCode
	title string
	text  string // what has happened, in a few words
}

// reasonInfos lists the codes, the most urgent first.
func reasonInfos() []reasonInfo {
	return []reasonInfo{
		{ReasonState, "State", "the state cannot be written"},
		{ReasonCredentials, "Credentials", "WeData does not take the credentials"},
		{ReasonUnknown, "Unknown outcomes", "an outcome is unknown"},
		{ReasonGuard, "Guard", "a guard holds the plan"},
		{ReasonRefused, "Refused commits", "a commit was refused"},
		{ReasonNotRunning, "Not running", "a task does not run"},
		{ReasonUnhealthy, "Not healthy", "a task runs, and is not healthy"},
		{ReasonNotLive, "Not live", "an accepted commit was not seen live"},
		{ReasonAlreadyLive, "Already live", "what is wanted is live already"},
		{ReasonNewerLive, "Newer live", "a newer version is live"},
		{ReasonNoSavepoint, "No savepoint", "a state that is to be kept has no savepoint"},
		{ReasonContested, "Contested", "others change again what is healed"},
		{ReasonRecalled, "Applied before", "a spec is back whose applied version is not known"},
		{ReasonSpent, "discardState used", "a discardState was used already"},
		{ReasonDrifted, "Drifted", "a task has drifted"},
		{ReasonSpecs, "Specs", "specs have errors"},
		{ReasonSignature, "Signature", "the newest revision is not verified"},
		{ReasonSource, "Source", "the source cannot be read"},
		{ReasonConfiguration, "Configuration", "the configuration on disk is not used"},
	}
}

// ReasonCodes lists the codes, the most urgent first.
func ReasonCodes() []ReasonCode {
	var codes []ReasonCode
	for _, i := range reasonInfos() {
		codes = append(codes, i.code)
	}
	return codes
}

// State returns the state of the tasks that a reason with the code is about; false if it is
// not about tasks in one state.
func (c ReasonCode) State() (State, bool) {
	switch c {
	case ReasonUnknown, ReasonRefused, ReasonNotRunning, ReasonUnhealthy, ReasonNotLive, ReasonAlreadyLive, ReasonNewerLive, ReasonNoSavepoint, ReasonContested, ReasonRecalled, ReasonSpent:
		return State(c), true // the words of these codes are words of states
	default:
		return "", false
	}
}

// Title names the code to people.
func (c ReasonCode) Title() string { return c.info().title }

// Text is what has happened, in a few words.
func (c ReasonCode) Text() string { return c.info().text }

func (c ReasonCode) info() reasonInfo {
	for _, i := range reasonInfos() {
		if i.code == c {
			return i
		}
	}
	return reasonInfo{code: c, title: string(c), text: string(c)}
}

// Reason is why action is required: what has happened, and what to do.
type Reason struct {
	Code    ReasonCode `json:"code"`
	Message string     `json:"message"` // one line
	// Commands are what to type, one of them, as a shell takes them; empty if no
	// command helps.
	Commands []string `json:"commands,omitempty"`
	// Key is the task that Message is about; nil if it is about more.
	Key *spec.Key `json:"task,omitempty"`
}

// Reasons says why action is required for what the plan asks for; nothing if it is not. What
// ends by itself, such as a lock, a back-off or a window, is no reason. Pauses that ended
// before since count no more: a pause ends with the next try, and is forgotten when that goes
// well; where there is nothing to try any more it stays, and means nothing.
func (s *Summary) Reasons(pauses []state.Pause, since time.Time) []Reason {
	var reasons []Reason
	for _, p := range pauses {
		if !PassesByItself(p) && since.Before(p.Until) {
			reasons = append(reasons, Reason{Code: ReasonCredentials, Message: PauseText(p)})
		}
	}
	reasons = append(reasons, s.unresolvedReasons()...)
	reasons = append(reasons, guardReasons(s.Plan)...)
	for _, code := range ReasonCodes() {
		if st, ok := code.State(); ok && st != Unknown {
			if r, ok := s.tasksReason(st, code); ok {
				reasons = append(reasons, r)
			}
		}
	}
	if r, ok := s.driftReason(); ok {
		reasons = append(reasons, r)
	}
	if invalid := s.Invalid(); s.Errors > 0 && len(invalid) > 0 {
		reasons = append(reasons, Reason{Code: ReasonSpecs, Message: text.PluralGrouped(s.Errors, "error") + ": " + text.Visible(invalid[0].String())})
	}
	return reasons
}

// maxNamed is how many of many alike are named one by one.
const maxNamed = 5

// unresolvedReasons are about unknown outcomes that only an operator can end.
func (s *Summary) unresolvedReasons() []Reason {
	var reasons []Reason
	for _, i := range s.Unresolved[:min(len(s.Unresolved), maxNamed)] {
		c := &s.Plan.Changes[i]
		of := Of(c)
		reasons = append(reasons, Reason{
			Code: ReasonUnknown, Key: &c.Key, Commands: of.Commands,
			Message: text.Visible(named(c) + ": " + of.Why),
		})
	}
	if n := len(s.Unresolved); n > maxNamed {
		reasons = append(reasons, Reason{Code: ReasonUnknown, Message: text.PluralGrouped(n, "unknown outcome") + " require action in all"})
	}
	return reasons
}

// PassesByItself reports whether the cause of a pause ends by itself: a fault of the network
// or of the endpoint. Any other pause says that WeData rejects the credentials or the request.
func PassesByItself(p state.Pause) bool {
	switch p.Code {
	case "Timeout", "UnknownHost", "NoConnection", "ConnectionBroken", "NetworkFault", "Canceled", "Late", "EndpointFailing":
		return true
	default:
		return false
	}
}

// guardReasons are about guards that hold the whole plan.
func guardReasons(p *plan.Plan) []Reason {
	var reasons []Reason
	for _, h := range p.Holds {
		if h.Guard == GuardWindows {
			continue
		}
		r := Reason{Code: ReasonGuard, Message: fmt.Sprintf("%s holds the plan: %s", h.Guard, text.Visible(h.Message))}
		if h.Approvable {
			r.Commands = []string{ApproveCommand(p)}
		}
		reasons = append(reasons, r)
	}
	return reasons
}

// GuardWindows is the guard whose hold ends by itself.
const GuardWindows = "windows"

// tasksReason is about the tasks in the state, with commands if there is a single one;
// false if there is none.
func (s *Summary) tasksReason(st State, code ReasonCode) (Reason, bool) {
	switch tasks := s.by[st]; len(tasks) {
	case 0:
		return Reason{}, false
	case 1:
		c := &s.Plan.Changes[tasks[0]]
		of := Of(c)
		message := named(c) + ": " + of.Reason()
		if len(of.Commands) == 0 {
			message += "; " + of.Next
		}
		return Reason{Code: code, Key: &c.Key, Commands: of.Commands, Message: text.Visible(message)}, true
	default:
		info := st.Info()
		return Reason{Code: code, Message: fmt.Sprintf("%s are %s: %s; %s", text.PluralGrouped(len(tasks), "task"), info.Label, info.Meaning, info.Next)}, true
	}
}

// driftReason is about tasks that others have changed; false if there are none.
func (s *Summary) driftReason() (Reason, bool) {
	n := s.Count(Drifted)
	if n == 0 {
		return Reason{}, false
	}
	r := Reason{Code: ReasonDrifted, Message: fmt.Sprintf("%s drifted; %s", text.PluralGrouped(n, "task"), Drifted.Info().Next)}
	if len(s.drifted) > 0 {
		first := s.drifted[0]
		r.Message = text.Visible(first.Key.Named(s.Plan.NameOf(first.Key, nil)) + ": " + OfDrift(first).Sentence())
		if n == 1 {
			r.Key = &first.Key
		} else {
			r.Message = text.PluralGrouped(n, "task") + " drifted, the first is " + r.Message
		}
	}
	return r, true
}
