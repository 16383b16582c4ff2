package page

import (
	"html/template"

	"github.com/wedatasync/wedatasync/internal/explain"
)

// homePage is the status page.
type homePage struct {
	frame
	Tone     explain.Tone
	Headline string
	Sub      string
	Known    bool          // whether there is a plan, or a state
	Revision *revisionView // nil before the first plan
	Source   sourceView
	Progress *progressView // nil while no calls are made
	Needs    []need
	Waits    []group
	Notes    []string
	Bar      []segment
	Counts   []count
	Calls    []callRow
	Problems problemList
	Timeline timeline

	LastChange *changeView // nil if nothing was changed yet
}

type revisionView struct {
	Href                       string // of its page
	Short, ID, Author, Subject string
	Degraded                   bool // some of it cannot be used
	Seen                       moment
	Plan                       string // the start of its hash; empty if it sends nothing
	Approved                   string // by whom
}

type sourceView struct {
	URL, Branch string
	Polled      moment
	Failing     bool
}

type progressView struct {
	Done, Calls int
	Left        string // empty if nothing is
	Sending     []link
	More        int
	Pace        template.HTML // how many commits left in each second; empty if that is not known
	PaceText    string        // the same in words
}

// need is a reason for which an operator is needed.
type need struct {
	Title    string
	Message  string
	Detail   string // more about it; may be empty
	Commands []string
	Group    *group // the tasks it is about; nil if it is about none
}

// group is tasks in the same state.
type group struct {
	badge
	Count int
	Rows  []groupRow
	More  int
	All   string // the path of the list of all of them
}

type groupRow struct {
	link
	Why      string
	Commands []string
}

// segment is a part of the bar that shows the states of the tasks, in thousandths.
type segment struct {
	Tone     explain.Tone
	X, Width int
}

// count is how many tasks are in a state.
type count struct {
	badge
	N    int
	Href string
}

type callRow struct {
	When moment
	link
	Commit    string
	Tone      explain.Tone
	Class     string
	Answer    string
	RequestID string
}

type problemList struct {
	Summary string // how many
	Rows    []problemRow
	More    int
}

type problemRow struct {
	Error   bool
	Place   string
	Href    string // of the place in the forge; empty if that is not known
	Message string
}

type changeView struct {
	When moment
	Text string
}
