package drift

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// maxPages bounds one list.
	maxPages = 10_000
	// listTries is how often a page is asked for that got no usable answer.
	listTries = 4
)

// LiveTask is what WeData told of one task. What it did not tell is zero: that is not
// known, and differs from nothing.
type LiveTask struct {
	Key      spec.Key
	TaskType spec.TaskType
	Name     string
	Live     state.Live
	// NotSubmitted says that it told so: no version was ever submitted.
	NotSubmitted bool
	Event        string // the last operation, in the API's words
	EventTime    string // when that was, by WeData's clock
	// Version is what is told of the version that is live; nil if it was not asked for.
	Version *Version
}

// Version is what WeData tells of one version of a task.
type Version struct {
	Number      int64
	Submitter   string // an account id
	SubmittedAt string // by WeData's clock, as it says it
	Desc        string
	Tag         string // in Desc, by which an attempt of ours is named
	Enabled     bool   // it is in production
}

// Versioner is a Describer that tells of versions.
type Versioner interface {
	// Version returns what is told of a version, nil if that is nothing. Its gate and errors
	// are those of a Reader.
	Version(ctx context.Context, key spec.Key, t spec.TaskType, version int64, gate pace.Gate) (*Version, error)
}

// Page is a part of a list of tasks.
type Page struct {
	Tasks []LiveTask
	Total int // of the whole list, as far as it is told
	Last  bool
}

// Query says which tasks a list is of: those of one type that a project has in
// production.
type Query struct {
	ProjectID string
	TaskType  spec.TaskType
	TaskIDs   []string // these alone; none is all
}

// Lister lists tasks.
type Lister interface {
	// Page returns a page of a list, counted from 1. Its gate and errors are those of a
	// Reader.
	Page(ctx context.Context, q Query, number int, gate pace.Gate) (Page, error)
}

// Describer is a Reader that tells all that is told of a task. Its gate and errors are
// those of a Reader.
type Describer interface {
	Describe(ctx context.Context, key spec.Key, t spec.TaskType, gate pace.Gate) (*LiveTask, error)
}

// Target is a task to look for.
type Target struct {
	Key      spec.Key
	TaskType spec.TaskType
	Managed  bool  // it was applied: if no list has it, it is looked at by itself
	Applied  int64 // the version that was; 0 if none is known
}

// Targets returns the tasks of a state, in order of key.
func Targets(records *state.Records) []Target {
	var tasks []Target
	for rec := range records.All() {
		if rec.Applied != nil {
			tasks = append(tasks, Target{Key: rec.Key, TaskType: rec.Applied.TaskType.OrDefault(), Managed: true, Applied: rec.Applied.InstanceVersion})
		}
	}
	slices.SortFunc(tasks, func(a, b Target) int { return a.Key.Compare(b.Key) })
	return tasks
}

// Scanner reads what is live of many tasks: list by list, and what no list has by
// itself.
type Scanner struct {
	Lister    Lister
	Describer Describer
	Lists     *pace.Limiter // of Lister's requests
	Describes *pace.Limiter // of Looker's
	// Yield, if not nil, is called before each request. It returns when that may be
	// made.
	Yield func(context.Context) error
}

// List yields the pages of a list, each read in its turn. A page that was over the
// rate, or got no usable answer, is asked for again a few times. The first error ends
// the list.
func (s *Scanner) List(ctx context.Context, q Query) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		for number := 1; number <= maxPages; number++ {
			page, err := again(ctx, s, s.Lists, func(gate pace.Gate) (Page, error) { return s.Lister.Page(ctx, q, number, gate) })
			if err != nil {
				yield(Page{}, fmt.Errorf("list the %s tasks of project %s: %w", q.TaskType.OrDefault(), q.ProjectID, err))
				return
			}
			if !yield(page, nil) || page.Last {
				return
			}
		}
		yield(Page{}, fmt.Errorf("list the %s tasks of project %s: over %d pages", q.TaskType.OrDefault(), q.ProjectID, maxPages))
	}
}

// again reads in its turn, a few times if it is worth it.
func again[T any](ctx context.Context, s *Scanner, pacer *pace.Limiter, read func(pace.Gate) (T, error)) (got T, err error) {
	for try := 1; ; try++ {
		if s.Yield != nil {
			if err := s.Yield(ctx); err != nil {
				return got, err
			}
		}
		var sent time.Time
		got, err = read(func(ctx context.Context) (err error) {
			sent, err = pacer.Wait(ctx)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return got, context.Cause(ctx)
		case errors.Is(err, plan.ErrReadThrottled):
			pacer.Rejected(sent)
		case !sent.IsZero():
			pacer.Sent(0, time.Since(sent))
		}
		if err == nil || try == listTries || !worthRepeating(err) {
			return got, err
		}
		if err := pace.SleepUntil(ctx, time.Now().Add(plan.Backoff{Min: time.Second, Max: time.Minute}.After(try, 0))); err != nil {
			return got, err
		}
	}
}

// worthRepeating reports whether the same read can succeed soon.
func worthRepeating(err error) bool {
	if errors.Is(err, plan.ErrReadThrottled) {
		return true
	}
	answered, ok := errors.AsType[plan.AnsweredError](err)
	if !ok {
		return false
	}
	switch answered.Answered().Class {
	case state.ClassNotSent, state.ClassUnknown, state.ClassWaiting:
		return true
	default:
		return false
	}
}

// Scan are what a Survey has found.
type Scan struct {
	At     time.Time // when it began: what is in Seen was told at that time, or later
	Seen   map[spec.Key]*LiveTask
	Failed map[spec.Key]error // why a task could not be read; Seen has all others that were found
}

// maxDescribes bounds the tasks that one survey looks at by themselves.
const maxDescribes = 1000

// errNotDescribed says that a survey had enough to look at.
var errNotDescribed = fmt.Errorf("no list has it, nor over %d others: it was not read individually", maxDescribes)

// maxQueried bounds the tasks that one query names.
const maxQueried = 20

// Scan reads what is live of the tasks. What cannot be read is in the result; the
// error is that of ctx.
func (s *Scanner) Scan(ctx context.Context, tasks []Target) (*Scan, error) {
	found := &Scan{At: time.Now(), Seen: map[spec.Key]*LiveTask{}, Failed: map[spec.Key]error{}}
	for list := range lists(tasks) {
		if err := s.list(ctx, found, list, nil); err != nil {
			return nil, err
		}
	}
	if err := s.describeOthers(ctx, found, tasks); err != nil {
		return nil, err
	}
	return found, s.versions(ctx, found, tasks)
}

// Confirm reads tasks once more, by name, and keeps what is told now.
func (s *Scanner) Confirm(ctx context.Context, found *Scan, tasks []Target) error {
	for list := range lists(tasks) {
		for part := range slices.Chunk(list, maxQueried) {
			var ids []string
			for _, w := range part {
				delete(found.Seen, w.Key)
				delete(found.Failed, w.Key)
				ids = append(ids, w.Key.TaskID)
			}
			if err := s.list(ctx, found, part, ids); err != nil {
				return err
			}
		}
	}
	if err := s.describeOthers(ctx, found, tasks); err != nil {
		return err
	}
	return s.versions(ctx, found, tasks)
}

// lists yields the tasks that one list has, project by project and type by type.
func lists(tasks []Target) iter.Seq[[]Target] {
	type list struct {
		project string
		t       spec.TaskType
	}
	groups := map[list][]Target{}
	var order []list
	for _, w := range tasks {
		l := list{w.Key.ProjectID, w.TaskType.OrDefault()}
		if groups[l] == nil {
			order = append(order, l)
		}
		groups[l] = append(groups[l], w)
	}
	return func(yield func([]Target) bool) {
		for _, l := range order {
			if !yield(groups[l]) {
				return
			}
		}
	}
}

// list notes what a list tells of the tasks, which are all of its project and type.
// ids, if there are any, are all that is asked for.
func (s *Scanner) list(ctx context.Context, found *Scan, tasks []Target, ids []string) error {
	wanted := make(map[spec.Key]bool, len(tasks))
	for _, w := range tasks {
		wanted[w.Key] = true
	}
	for page, err := range s.List(ctx, Query{ProjectID: tasks[0].Key.ProjectID, TaskType: tasks[0].TaskType, TaskIDs: ids}) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			for key := range wanted {
				if found.Seen[key] == nil {
					found.Failed[key] = err
				}
			}
			return nil
		}
		for i := range page.Tasks {
			if seen := page.Tasks[i]; wanted[seen.Key] {
				found.Seen[seen.Key] = &seen
			}
		}
	}
	return nil
}

// maxVersions bounds the versions that one scan asks for.
const maxVersions = 100

// versions asks who has submitted the versions that are live in place of those that were
// applied. What is not told of them is no error.
func (s *Scanner) versions(ctx context.Context, found *Scan, tasks []Target) error {
	versioner, ok := s.Describer.(Versioner)
	if !ok {
		return nil
	}
	asked := 0
	for _, w := range tasks {
		seen := found.Seen[w.Key]
		if seen == nil || w.Applied == 0 || seen.Live.InstanceVersion == 0 || seen.Live.InstanceVersion == w.Applied {
			continue
		}
		if asked++; asked > maxVersions {
			return nil
		}
		version, err := again(ctx, s, s.Describes, func(gate pace.Gate) (*Version, error) {
			return versioner.Version(ctx, w.Key, w.TaskType, seen.Live.InstanceVersion, gate)
		})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			seen.Version = version
		}
	}
	return nil
}

// describeOthers looks at the managed tasks by themselves that no list has.
func (s *Scanner) describeOthers(ctx context.Context, found *Scan, tasks []Target) error {
	looks := 0
	for _, w := range tasks {
		if !w.Managed || found.Seen[w.Key] != nil || found.Failed[w.Key] != nil {
			continue
		}
		if looks++; looks > maxDescribes {
			found.Failed[w.Key] = errNotDescribed
			continue
		}
		if err := s.look(ctx, found, w); err != nil {
			return err
		}
	}
	return nil
}

// look notes one task.
func (s *Scanner) look(ctx context.Context, found *Scan, w Target) error {
	seen, err := again(ctx, s, s.Describes, func(gate pace.Gate) (*LiveTask, error) {
		return s.Describer.Describe(ctx, w.Key, w.TaskType, gate)
	})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, plan.ErrTaskGone):
		seen = &LiveTask{Key: w.Key, TaskType: w.TaskType.OrDefault(), Live: state.Live{Missing: true}}
	case err != nil:
		found.Failed[w.Key] = err
		return nil
	}
	found.Seen[w.Key] = seen
	return nil
}

// All says how the tasks of a state stand that were looked for and are not simply
// as they were applied, in order of key.
func All(specs *spec.Set, records *state.Records, found *Scan) []state.Drift {
	drifts := []state.Drift{}
	for _, w := range Targets(records) {
		seen, err := found.Seen[w.Key], found.Failed[w.Key]
		if seen == nil && err == nil {
			continue // it has come to the state meanwhile
		}
		d := Of(specs.Get(w.Key), records.Get(w.Key), seen, err, found.At)
		if d.Kind != state.DriftNone {
			drifts = append(drifts, d)
		}
	}
	return drifts
}
