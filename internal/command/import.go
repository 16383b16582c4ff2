package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// ImportOptions select what is imported.
type ImportOptions struct {
	Projects  []string // none: those that the specs name
	Overwrite bool     // also tasks of the state that have drifted
	Actor     string   // who imports, for the history
	Write     string   // a folder for specs of what has none yet; empty: none are written
	Split     Split
	// Progress is called for each page that is in the state. It may be nil.
	Progress func(ImportProgress)
}

// ImportProgress is how far the import of one project's tasks of one type is.
type ImportProgress struct {
	Project  string
	TaskType spec.TaskType
	Seen     int
	Total    int // as WeData counts it
}

// ImportResult is what an import came to.
type ImportResult struct {
	Projects []string
	Live     int        // tasks that WeData lists
	Imported int        // taken over now
	Managed  int        // were in the state as they are live
	Left     []LeftTask // stay as they are in the state, in order of key
	Nameless int        // tasks with ids that no spec can have: left out
	Drafts   []spec.Key // were never submitted, so that nothing is live to take over: left out, in order of key
	Files    []SpecFile // in order of name
	Unspoken []spec.Key // have no spec, and none could be written
	Missing  string     // the folder of specs that the source does not have yet; empty if it does
}

// LeftTask is a task of the state that has drifted and was not adopted.
type LeftTask struct {
	state.Drift
	Open bool // a commit of it is in progress, or its outcome is unknown: that comes first
}

// Import takes the tasks of projects over as they are live, without a call. Each page
// is durable before the next is read: an import that was cut short goes on where it
// was when it is run again, for what reading the pages costs.
func Import(ctx context.Context, s config.Settings, env parts.Env, options ImportOptions) (_ *ImportResult, err error) {
	client, log, err := attach(ctx, &s, &env)
	if err != nil {
		return nil, err
	}
	if options.Write != "" && filepath.Clean(options.Write) == filepath.Clean(s.Source) {
		if err := os.MkdirAll(s.Source, 0o755); err != nil {
			return nil, fmt.Errorf("--write: %w", err)
		}
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	o, err := openBoth(ctx, &s, env.Version, log, func(src reconcile.Source) reconcile.Source {
		if options.Write == "" {
			return src
		}
		return &unwritten{Source: src}
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, o.close()) }()
	rev, err := o.source.Poll(ctx)
	if err != nil {
		return nil, err
	}
	if rev.Specs.Problems().Errors() > 0 {
		return nil, fmt.Errorf("import: the specs come first: %w", rev.Specs.Problems())
	}
	records, err := o.store.Load(ctx)
	if err != nil {
		return nil, err
	}
	i := &importer{options: options, store: o.store, specs: rev.Specs, records: records, names: map[spec.Key]string{}, drafts: map[spec.Key]struct{}{}}
	i.survey = drift.Scanner{Lister: client, Lists: pace.New(s.CommitRate())}
	if err := i.projects(); err != nil {
		return nil, err
	}
	for _, project := range i.result.Projects {
		for _, t := range []spec.TaskType{spec.Realtime, spec.Offline} {
			if err := i.list(ctx, project, t); err != nil {
				return nil, err
			}
		}
	}
	i.result.Drafts = slices.SortedFunc(maps.Keys(i.drafts), spec.Key.Compare)
	slices.SortFunc(i.result.Left, func(a, b LeftTask) int { return a.Key.Compare(b.Key) })
	if u, ok := o.source.(*unwritten); ok && u.missing {
		i.result.Missing = s.Path
	}
	return &i.result, i.write()
}

// unwritten is a source whose folder of specs need not exist: the import writes the first
// ones.
type unwritten struct {
	reconcile.Source
	missing bool // it does not exist
}

// Poll returns no specs for a folder that does not exist.
func (u *unwritten) Poll(ctx context.Context) (*reconcile.Revision, error) {
	rev, err := u.Source.Poll(ctx)
	if u.missing = errors.Is(err, gitstore.ErrNoPath); u.missing {
		return &reconcile.Revision{Specs: spec.NewSet()}, nil
	}
	return rev, err
}

// importer is one import.
type importer struct {
	options ImportOptions
	survey  drift.Scanner
	store   *sqlstore.Store
	specs   *spec.Set
	records *state.Records
	names   map[spec.Key]string // of every task that is live
	drafts  map[spec.Key]struct{}
	result  ImportResult
}

// projects finds out whose tasks are imported.
func (i *importer) projects() error {
	list := slices.Clone(i.options.Projects)
	if len(list) == 0 {
		for c := range i.specs.All() {
			list = append(list, c.ProjectID)
		}
	}
	slices.Sort(list)
	i.result.Projects = slices.Compact(list)
	for _, p := range i.result.Projects {
		if !(spec.Key{ProjectID: p, TaskID: p}).Valid() {
			return &config.SettingError{Name: "project", Err: fmt.Errorf("%q is not an id", p)}
		}
	}
	if len(i.result.Projects) == 0 {
		return &config.SettingError{Name: "project", Err: errors.New("is required: the source has no spec that names a project")}
	}
	return nil
}

// list imports the tasks of one type of a project.
func (i *importer) list(ctx context.Context, project string, t spec.TaskType) error {
	seen := 0
	for page, err := range i.survey.List(ctx, drift.Query{ProjectID: project, TaskType: t}) {
		if err != nil {
			return err
		}
		var taken []state.Transition
		for k := range page.Tasks {
			if tr, ok := i.take(&page.Tasks[k], time.Now()); ok {
				taken = append(taken, tr)
			}
		}
		if err := i.store.SaveAll(ctx, taken); err != nil {
			return err
		}
		for k := range taken {
			i.records.Put(taken[k].Record)
		}
		i.result.Imported += len(taken)
		seen += len(page.Tasks)
		if i.options.Progress != nil {
			i.options.Progress(ImportProgress{Project: project, TaskType: t, Seen: seen, Total: max(page.Total, seen)})
		}
	}
	return nil
}

// take decides about one task that is live.
func (i *importer) take(seen *drift.LiveTask, now time.Time) (state.Transition, bool) {
	if _, twice := i.names[seen.Key]; twice {
		return state.Transition{}, false // it has slipped to the next page meanwhile
	}
	if !seen.Key.Valid() {
		i.result.Nameless++
		return state.Transition{}, false
	}
	if seen.NotSubmitted && !i.records.Has(seen.Key) {
		i.drafts[seen.Key] = struct{}{}
		return state.Transition{}, false
	}
	i.names[seen.Key] = seen.Name
	i.result.Live++
	have, want := i.records.Get(seen.Key), i.specs.Get(seen.Key)
	switch open := have != nil && have.Attempt != nil && !plan.Withheld(have); {
	case have == nil || have.Removed != nil || have.Applied == nil && !open:
	case open:
		i.result.Left = append(i.result.Left, LeftTask{Drift: drift.Of(want, have, seen, nil, now), Open: true})
		return state.Transition{}, false
	default:
		d := drift.Compare(want, have.Applied, seen)
		if !d.Kind.Drifted() {
			i.result.Managed++
			return state.Transition{}, false
		}
		if !i.options.Overwrite {
			i.result.Left = append(i.result.Left, LeftTask{Drift: d})
			return state.Transition{}, false
		}
	}
	return drift.Import(have, want, seen, i.options.Actor, now), true
}

// write writes specs for the tasks that are live and have none.
func (i *importer) write() (err error) {
	if i.options.Write == "" {
		return nil
	}
	var commits []spec.Commit
	for key := range i.names {
		rec := i.records.Get(key)
		if i.specs.Has(key) || rec == nil || rec.Applied == nil {
			continue
		}
		c, ok := drift.SpecOf(key, rec.Applied)
		if !ok {
			i.result.Unspoken = append(i.result.Unspoken, key)
			continue
		}
		c.Name = spec.TaskName(i.names[key])
		commits = append(commits, c)
	}
	slices.SortFunc(i.result.Unspoken, spec.Key.Compare)
	slices.SortFunc(commits, func(a, b spec.Commit) int { return a.Key.Compare(b.Key) })
	w, err := newSpecWriter(i.options.Write, cmp.Or(i.options.Split, SplitProject))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	i.result.Files, err = w.write(commits)
	return err
}

// Adopt takes the source's specs as already applied, without a call: each task
// that the state does not know yet, and with all also those that it knows. It
// returns how many.
func Adopt(ctx context.Context, s config.Settings, env parts.Env, all bool) (_ int, err error) {
	if err := s.Validate(); err != nil {
		return 0, err
	}
	log, err := env.Logger(&s)
	if err != nil {
		return 0, err
	}
	o, err := openBoth(ctx, &s, env.Version, log, nil)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, o.close()) }()
	rev, err := o.source.Poll(ctx)
	if err != nil {
		return 0, err
	}
	if n := rev.Specs.Problems().Errors(); n > 0 {
		return 0, fmt.Errorf("adopt the specs: %w", rev.Specs.Problems())
	}
	records, err := o.store.Load(ctx)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	var adopted []state.Transition
	for c := range rev.Specs.All() {
		have := records.Get(c.Key)
		if have != nil && (have.Attempt != nil || have.Applied != nil && have.Removed == nil && !all) {
			continue
		}
		adopted = append(adopted, plan.Adopt(have, c, rev.ID, now))
	}
	return len(adopted), o.store.SaveAll(ctx, adopted)
}
