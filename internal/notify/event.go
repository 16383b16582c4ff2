package notify

import (
	"fmt"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/spec"
)

// Topic is what an event is about.
type Topic string

// The topics.
const (
	TaskApplied    Topic = "task.applied"     // WeData accepted the commit
	TaskApproval   Topic = "task.approval"    // it did, and waits for a person's approval there
	TaskWaiting    Topic = "task.waiting"     // it could not take it now, as when someone has the task open
	TaskRefused    Topic = "task.refused"     // it will not help to repeat it
	TaskUnknown    Topic = "task.unknown"     // the answer was lost; it is read back
	TaskNotRunning Topic = "task.not-running" // it was applied, and did not come to run
	TaskPerson     Topic = "task.person"      // reading back does not tell: a person has to say
	TaskDrifted    Topic = "task.drifted"     // somebody else has changed it: it has drifted
	PlanHeld       Topic = "plan.held"        // a guard holds the whole plan
	SpecsInvalid   Topic = "specs.invalid"    // files or commits that cannot be used
	SendsPaused    Topic = "sends.paused"     // WeData does not accept the credentials, or fails
)

// Topics lists the topics.
func Topics() []Topic {
	return []Topic{TaskApplied, TaskApproval, TaskWaiting, TaskRefused, TaskUnknown, TaskPerson, TaskNotRunning, TaskDrifted, PlanHeld, SpecsInvalid, SendsPaused}
}

// Event is one thing to tell. What others wrote in it is one line of bounded
// length; it is text, and nothing else, whatever is in it.
type Event struct {
	ID    string    `json:"-"`
	Topic Topic     `json:"-"`
	At    time.Time `json:"-"`

	Name       string `json:"name,omitempty"` // what people call the task
	Project    string `json:"project_id,omitempty"`
	Task       string `json:"task_id,omitempty"`
	Version    int64  `json:"instance_version,omitempty"`
	CommitType string `json:"commit_type,omitempty"`
	File       string `json:"file,omitempty"`
	Line       int    `json:"line,omitempty"`

	Source   string `json:"source,omitempty"` // a URL without userinfo, or a folder
	Branch   string `json:"branch,omitempty"`
	Revision string `json:"revision,omitempty"`
	Author   string `json:"author,omitempty"` // of the revision
	PlanHash string `json:"plan_hash,omitempty"`

	Code    string `json:"code,omitempty"`    // of WeData's answer, or the guard's name
	Message string `json:"message,omitempty"` // in WeData's words, or the guard's
	Count   int    `json:"count,omitempty"`   // commits that are held, or errors in specs
	Link    string `json:"link,omitempty"`    // of the status page
}

// next says, as a sentence of its own, what an operator can do about a task in the state.
func (e Event) next(s explain.State) string {
	next := s.Info().For(spec.Key{ProjectID: e.Project, TaskID: e.Task}).Next
	return strings.ToUpper(next[:1]) + next[1:]
}

// Text says the event in one sentence, and what to do if an operator is needed.
func (e Event) Text() string {
	switch e.Topic {
	case TaskApplied:
		return fmt.Sprintf("%s applied%s%s.", e.subject(), e.because(), e.origin())
	case TaskApproval:
		return fmt.Sprintf("%s accepted%s; it waits for an approval in WeData.", e.subject(), e.origin())
	case TaskWaiting:
		return fmt.Sprintf("%s waits%s; it is %s.", e.subject(), e.because(), explain.Waiting.Info().Next)
	case TaskRefused:
		return fmt.Sprintf("%s refused%s. %s", e.subject(), e.because(), e.next(explain.Refused))
	case TaskUnknown:
		return fmt.Sprintf("%s has an unknown outcome%s; it is read back.", e.subject(), e.because())
	case TaskPerson:
		return fmt.Sprintf("%s has an unknown outcome%s. %s", e.subject(), e.because(), e.next(explain.Unknown))
	case TaskNotRunning:
		return fmt.Sprintf("%s was applied and does not run%s. %s", e.subject(), e.because(), e.next(explain.NotRunning))
	case TaskDrifted:
		return fmt.Sprintf("%s has drifted%s.", e.subject(), e.because())
	case PlanHeld:
		return fmt.Sprintf("Plan of %s held%s%s. wedatasync plan shows it.", text.Plural(e.Count, "commit"), e.because(), e.origin())
	case SpecsInvalid:
		return fmt.Sprintf("%s in specs%s; the invalid specs are skipped.", text.Plural(e.Count, "error"), e.origin())
	case SendsPaused:
		if e.Project != "" {
			return fmt.Sprintf("Commits to project %s are paused%s.", e.Project, e.because())
		}
		return fmt.Sprintf("All commits are paused%s.", e.because())
	default:
		return string(e.Topic)
	}
}

// subject names the task, and the version that was to be committed.
func (e Event) subject() string {
	task := explain.Label(e.Name, e.Project+"/"+e.Task)
	if e.Version == 0 {
		return task
	}
	return fmt.Sprintf("%s version %d", task, e.Version)
}

// origin says where it comes from.
func (e Event) origin() string {
	switch {
	case e.Revision == "":
		return ""
	case e.Author == "":
		return ", revision " + e.ShortRevision()
	default:
		return ", revision " + e.ShortRevision() + " by " + e.Author
	}
}

// because says why, in the words of others.
func (e Event) because() string {
	switch {
	case e.Code != "" && e.Message != "":
		return ", " + e.Code + ": " + e.Message
	case e.Code+e.Message != "":
		return ", " + e.Code + e.Message
	default:
		return ""
	}
}

// ShortRevision is the revision as people name it.
func (e Event) ShortRevision() string { return e.Revision[:min(len(e.Revision), 12)] }

// mapped returns the event with f applied to all that others wrote.
func (e Event) mapped(f func(string) string) Event {
	for _, field := range []*string{
		&e.Name, &e.Project, &e.Task, &e.CommitType, &e.File, &e.Source, &e.Branch, &e.Revision, &e.Author, &e.Code, &e.Message,
	} {
		*field = f(*field)
	}
	return e
}
