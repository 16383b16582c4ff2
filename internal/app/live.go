package app

import (
	"context"
	"errors"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Live returns what the source asks for that is not so in WeData itself, whatever
// the state says. It reads the tasks in production, and writes nothing.
//
// WeData tells versions and whether a task runs, and not the rest: descriptions and
// extConfig are taken to be as the specs say.
func Live(ctx context.Context, s Settings, env Env) (_ *reconcile.Plan, err error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	a := &App{settings: s}
	if a.log, err = env.logger(&s); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	client, err := a.connect(ctx, &s, &env)
	if err != nil {
		return nil, err
	}
	src, err := s.OpenSource("", a.log)
	if err != nil {
		return nil, err
	}
	a.onStop("close the source", src.Close)
	rev, err := src.Poll(ctx)
	if err != nil {
		return nil, err
	}
	records, err := liveRecords(ctx, client, rev.Specs, reconcile.NewPacer(s.Rate*s.Share))
	if err != nil {
		return nil, err
	}
	p := reconcile.Diff(reconcile.Input{Specs: rev.Specs, Records: records, Control: &state.Control{}}, time.Now())
	p.Source, p.Against = s.sourceInfo(), "live"
	p.Source.Revision, p.Source.Author, p.Source.Subject = rev.ID, rev.Author, rev.Subject
	return p, nil
}

// liveRecords lists the tasks of every project that the specs name, and returns the
// records of a state that had applied what is live.
func liveRecords(ctx context.Context, client *wedata.Client, specs *spec.Set, pacer *reconcile.Pacer) (map[spec.Key]*state.Record, error) {
	turn := func(ctx context.Context) error {
		slot, err := pacer.Take(ctx)
		if err != nil {
			return err
		}
		return slot.Wait(ctx)
	}
	type listing struct {
		project  string
		taskType spec.TaskType
	}
	listed := map[listing]bool{}
	records := map[spec.Key]*state.Record{}
	for c := range specs.All() {
		l := listing{c.ProjectID, c.TaskType.OrDefault()}
		if listed[l] {
			continue
		}
		listed[l] = true
		for task, err := range client.List(ctx, wedata.ListOptions{ProjectID: l.project, TaskType: l.taskType, Turn: turn}) {
			if err != nil {
				return nil, err
			}
			if want := specs.Get(task.Key); want != nil {
				records[task.Key] = liveRecord(want, &task.Live)
			}
		}
	}
	return records, nil
}

// liveRecord returns the record of a task that is as its spec says, but for what
// is live.
func liveRecord(want *spec.Commit, live *state.Live) *state.Record {
	applied := reconcile.AppliedOf(want, "")
	if want.InstanceVersion != 0 {
		applied.InstanceVersion = live.InstanceVersion
	}
	switch running := live.Status == state.TaskRunning || live.Status == state.TaskInOperation; {
	case running && !want.CommitType.Runs():
		applied.CommitType = spec.Start
	case !running:
		applied.CommitType = spec.Submit
	}
	return &state.Record{Key: want.Key, Status: state.StatusApplied, Applied: &applied}
}
