package snapshot

import (
	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/spec"
)

// ReasonCode says what kind of thing an operator has to do. The codes are a closed set.
type ReasonCode string

// The codes of a Reason.
const (
	ReasonState       ReasonCode = "state"        // the state cannot be written
	ReasonCredentials ReasonCode = "credentials"  // WeData accepts the credentials not at all, or not for a project
	ReasonUnknown     ReasonCode = "unknown"      // only an operator can say what became of a commit
	ReasonGuard       ReasonCode = "guard"        // a guard holds the plan
	ReasonRefused     ReasonCode = "refused"      // WeData refused a commit
	ReasonNotRunning  ReasonCode = "not-running"  // what was applied did not come to run
	ReasonContested   ReasonCode = "contested"    // a task is changed by others again whenever it is healed
	ReasonNotLive     ReasonCode = "not-live"     // an accepted commit was not seen live in time
	ReasonAlreadyLive ReasonCode = "already-live" // what is wanted is live, by an operation that the state does not know
	ReasonNewerLive   ReasonCode = "newer-live"   // a newer version is live than is wanted
	ReasonRecalled    ReasonCode = "recalled"     // a spec is back, and it is not known which version was applied
	ReasonSpent       ReasonCode = "spent"        // an acknowledgement of lost state was used already
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
		{ReasonNotLive, "Not live", "an accepted commit was not seen live"},
		{ReasonAlreadyLive, "Already live", "what is wanted is live already"},
		{ReasonNewerLive, "Newer live", "a newer version is live"},
		{ReasonContested, "Contested", "others change again what is healed"},
		{ReasonRecalled, "Applied before", "a spec is back whose applied version is not known"},
		{ReasonSpent, "discardState used", "a discardState was used already"},
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
func (c ReasonCode) State() (explain.State, bool) {
	switch c {
	case ReasonUnknown, ReasonRefused, ReasonNotRunning, ReasonNotLive, ReasonAlreadyLive, ReasonNewerLive, ReasonContested, ReasonRecalled, ReasonSpent:
		return explain.State(c), true // the words of these codes are words of states
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

// Reason is why an operator is needed: what has happened, and what to do.
type Reason struct {
	Code    ReasonCode `json:"code"`
	Message string     `json:"message"` // one line
	// Commands are what to type, one of them, as a shell takes them; empty if no
	// command helps.
	Commands []string `json:"commands,omitempty"`
	// Key is the task that Message is about; nil if it is about more.
	Key *spec.Key `json:"task,omitempty"`
}
