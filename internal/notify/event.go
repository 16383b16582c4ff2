package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/spec"
)

// Event is one thing that people or programs are notified of. What others wrote in it is
// one line of bounded length; it is text, and nothing else, whatever is in it.
type Event struct {
	ID    string        `json:"-"`
	Topic Topic         `json:"-"`
	At    time.Time     `json:"-"`
	State explain.State `json:"-"` // of the task, where that says what to do

	Name       string `json:"name,omitempty"` // of the task
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
	Count   int    `json:"count,omitempty"`   // commits that are held, errors in specs, or tasks of a release
	// Tasks are the first of several tasks, by name and version.
	Tasks []string `json:"tasks,omitempty"`
	// Outcomes are what has become of the tasks of a release, the gravest first.
	Outcomes []Outcome `json:"outcomes,omitempty"`
	Next     string    `json:"next_step,omitempty"` // what an operator can do; empty if nobody has to
	Link     string    `json:"link,omitempty"`      // of the status page
}

// Outcome is what has become of some tasks of a release.
type Outcome struct {
	Outcome string   `json:"outcome"`
	Count   int      `json:"count"`
	Tasks   []string `json:"tasks,omitempty"` // the first of them
}

// Text says the event in one sentence, and the next step if action is required.
func (e Event) Text() string {
	if e.Next == "" {
		return e.sentence()
	}
	return e.sentence() + " Next step: " + e.Next
}

// sentence says the event. It holds for one task and for several.
func (e Event) sentence() string {
	switch e.Topic {
	case TaskApplied:
		return fmt.Sprintf("%s applied%s%s.", e.subject(), e.because(), e.origin())
	case TaskApproval:
		return fmt.Sprintf("%s accepted%s, and not live before somebody approves it in WeData.", e.subject(), e.origin())
	case TaskWaiting:
		return fmt.Sprintf("%s waiting%s; retried automatically.", e.subject(), e.because())
	case TaskRefused:
		return fmt.Sprintf("%s refused%s.", e.subject(), e.because())
	case TaskUnknown:
		return fmt.Sprintf("%s: unknown outcome%s; read back automatically.", e.subject(), e.because())
	case TaskPerson:
		if e.State == explain.NotLive {
			return fmt.Sprintf("%s accepted, and not seen live%s.", e.subject(), e.because())
		}
		return fmt.Sprintf("%s: unknown outcome%s.", e.subject(), e.because())
	case TaskHeld:
		return fmt.Sprintf("%s not sent%s.", e.subject(), e.because())
	case TaskNotRunning:
		return fmt.Sprintf("%s applied, but not running%s.", e.subject(), e.because())
	case TaskUnhealthy:
		return fmt.Sprintf("%s running, but not healthy%s.", e.subject(), e.because())
	case TaskDrifted:
		if len(e.Tasks) > 0 {
			return fmt.Sprintf("%s have drifted%s.", e.subject(), e.because())
		}
		return fmt.Sprintf("%s has drifted%s.", e.subject(), e.because())
	case PlanHeld:
		return fmt.Sprintf("%s held%s%s.", e.release(), e.because(), e.contents())
	case SpecsInvalid:
		return fmt.Sprintf("%s in specs%s%s. The invalid specs are skipped.", text.Plural(e.Count, "error"), e.origin(), e.places())
	case SendsPaused:
		if e.Project != "" {
			return fmt.Sprintf("Sending to project %s paused%s.", e.Project, e.because())
		}
		return fmt.Sprintf("Sending paused%s.", e.because())
	case ReleaseDone:
		return fmt.Sprintf("%s: %s%s.", e.release(), e.outcomes(), e.because())
	default:
		return string(e.Topic)
	}
}

// subject names the task with the version that was to be committed, or several.
func (e Event) subject() string {
	if len(e.Tasks) > 0 {
		return fmt.Sprintf("%s (%s)", text.Plural(e.Count, "task"), listed(e.Tasks, e.Count))
	}
	return e.label()
}

// label names the task with the version that was to be committed.
func (e Event) label() string {
	task := explain.Label(e.Name, e.Project+"/"+e.Task)
	if e.Version == 0 {
		return task
	}
	return fmt.Sprintf("%s version %d", task, e.Version)
}

// listed lists the first of n tasks.
func listed(tasks []string, n int) string {
	s := strings.Join(tasks, ", ")
	if more := n - len(tasks); more > 0 && len(tasks) > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

// release names the revision.
func (e Event) release() string {
	if e.Revision == "" {
		return "Release"
	}
	return "Release " + strings.TrimPrefix(e.origin(), ", revision ")
}

// contents says what a plan that is held would do.
func (e Event) contents() string {
	if e.Count == 0 {
		return ""
	}
	s := "; " + text.Plural(e.Count, "change")
	if len(e.Tasks) > 0 {
		s += " (" + listed(e.Tasks, e.Count) + ")"
	}
	return s
}

// places says where the first errors are.
func (e Event) places() string {
	if len(e.Tasks) == 0 {
		return ""
	}
	return ": " + listed(e.Tasks, e.Count)
}

// outcomes says what has become of the tasks of a release.
func (e Event) outcomes() string {
	var parts []string
	for _, o := range e.Outcomes {
		parts = append(parts, fmt.Sprintf("%d %s (%s)", o.Count, o.Outcome, listed(o.Tasks, o.Count)))
	}
	return strings.Join(parts, ", ")
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

// key names the task.
func (e Event) key() spec.Key { return spec.Key{ProjectID: e.Project, TaskID: e.Task} }

// mapped returns the event with f applied to all that others wrote.
func (e Event) mapped(f func(string) string) Event {
	for _, field := range []*string{
		&e.Name, &e.Project, &e.Task, &e.CommitType, &e.File, &e.Source, &e.Branch, &e.Revision, &e.Author, &e.Code, &e.Message, &e.Next,
	} {
		*field = f(*field)
	}
	e.Tasks = mapAll(e.Tasks, f)
	e.Outcomes = slices.Clone(e.Outcomes)
	for i := range e.Outcomes {
		e.Outcomes[i].Tasks = mapAll(e.Outcomes[i].Tasks, f)
	}
	return e
}

func mapAll(texts []string, f func(string) string) []string {
	var mapped []string
	for _, t := range texts {
		mapped = append(mapped, f(t))
	}
	return mapped
}
