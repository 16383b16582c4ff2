package tasklist

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Task is what the list has of one task.
type Task struct {
	Key      spec.Key
	Name     string // what people called it; empty if nobody did
	Status   state.Status
	Version  int64 // applied; 0 if there was none
	At       int64 // when that was, in Unix milliseconds; 0 if never
	Accepted bool  // and not seen live yet
	Removed  bool  // its spec is gone, and it is not managed
}

// List is the list of all managed tasks as it was at one moment. It does not change.
type List struct {
	Tasks    []Task // in order of key
	Project  string // of the last task
	Projects int
	Err      error // why it could not be read anew; the tasks are older then

	at     time.Time
	serial int64 // of the state
	took   time.Duration
}

// read reads a list, or copies the one before if the state has not changed since.
func read(ctx context.Context, open Open, before *List) (_ *List, err error) {
	r, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	serial, err := r.Serial(ctx)
	if err != nil {
		return nil, err
	}
	if before != nil && before.Err == nil && before.serial == serial {
		same := *before
		return &same, nil
	}
	l := &List{serial: serial}
	if before != nil {
		l.Tasks = make([]Task, 0, len(before.Tasks))
	}
	project := "" // nearly all tasks share theirs with the one before
	for rec, err := range r.Records(ctx) {
		if err != nil {
			return nil, err
		}
		if rec.Removed != nil {
			continue // it is not managed: its own page and the history have it
		}
		if rec.Key.ProjectID != project {
			project = strings.Clone(rec.Key.ProjectID)
			l.Project = project
			l.Projects++
		}
		rec.Key.ProjectID = project
		l.Tasks = append(l.Tasks, Of(&rec))
	}
	return l, nil
}

// Of returns what the list has of the record.
func Of(rec *state.Record) Task {
	t := Task{
		Key:      spec.Key{TaskID: strings.Clone(rec.Key.TaskID), ProjectID: rec.Key.ProjectID},
		Name:     strings.Clone(rec.Name()),
		Status:   rec.Status,
		Accepted: rec.Accepted(),
		Removed:  rec.Removed != nil,
	}
	if a := rec.Applied; a != nil {
		t.Version, t.At = a.InstanceVersion, a.At.UnixMilli()
	}
	return t
}
