package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/source"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Between returns what merging the checked-out revision into base would change,
// from git alone: no state, no credentials, no network. dir is a folder of the
// checkout, and the specs are below it.
//
// A spec that is new here may have been applied before and removed: it is compared with
// the last one that the task had in the history of base, as far as that is read.
//
// It reads only the files that differ, so it does not know what is in the others, and
// dependencies do not order it. With whole it reads all specs of the revision, too, and
// finds what [Validate] finds, such as a task that is named twice.
func Between(ctx context.Context, dir, base string, whole bool) (_ *plan.Plan, err error) {
	repo, err := source.OpenRepository(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	head, err := repo.Resolve("HEAD")
	if err != nil {
		return nil, err
	}
	fork, err := repo.MergeBase(ctx, base, head)
	if err != nil {
		return nil, err
	}
	changes, err := repo.Changes(ctx, fork, head, repo.Prefix())
	if err != nil {
		return nil, err
	}
	if len(changes) == 0 {
		if has, err := repo.HasSpecs(ctx, head, repo.Prefix()); err != nil || !has {
			return nil, cmp.Or(err, noSpecs(dir))
		}
	}
	before, after := spec.NewSet(), spec.NewSet()
	for _, c := range changes {
		if c.Base != nil {
			before.Put(alone(c.Base))
		}
		if c.Head != nil {
			after.Put(alone(c.Head))
		}
	}
	in := plan.Input{Specs: after, Base: before, Records: state.NewRecords(), Control: &state.Control{}}
	for c := range before.All() {
		applied := plan.AppliedOf(c, fork)
		in.Records.Put(&state.Record{Key: c.Key, Status: state.StatusApplied, Applied: &applied})
	}
	broken := unusable(changes)
	past, err := returns(ctx, repo, fork, &in, broken)
	if err != nil {
		return nil, err
	}
	p := plan.Diff(in, time.Now())
	if whole {
		all, err := repo.SpecsAt(ctx, head, repo.Prefix())
		if err != nil {
			return nil, err
		}
		p.Problems = all.Specs.Problems()
	}
	p.Against = strings.TrimPrefix(base, remoteRefs)
	explainReturns(p, past, broken)
	p.Source = plan.SourceInfo{URL: filepath.ToSlash(path.Clean(dir)), Revision: head}
	return p, nil
}

// unusable returns where the base may have had specs that cannot be used, by the tasks that
// they are for: those that it names, and all that come with a file that could not be read.
func unusable(changes []source.FileChange) map[spec.Key]string {
	broken := make(map[spec.Key]string)
	for _, c := range changes {
		if c.Base == nil {
			continue
		}
		if c.Base.Unread && c.Head != nil {
			for _, commit := range c.Head.Commits {
				broken[commit.Key] = c.Name
			}
		}
		for _, named := range c.Base.Broken {
			broken[named.Key] = fmt.Sprintf("%s:%d", c.Name, named.Pos.Line)
		}
	}
	return broken
}

// returns gives the tasks that are new in the specs, and had a spec before, the record of a
// removed task, or of one whose spec became unusable. It returns what of the history was
// read; nil if nothing is new.
func returns(ctx context.Context, repo *source.Repository, base string, in *plan.Input, broken map[spec.Key]string) (*source.Past, error) {
	var added []spec.Key
	for c := range in.Specs.All() {
		if !in.Records.Has(c.Key) {
			added = append(added, c.Key)
		}
	}
	if len(added) == 0 {
		return nil, nil
	}
	past, err := repo.Past(ctx, base, repo.Prefix(), added)
	if err != nil {
		return nil, err
	}
	for key, had := range past.Found {
		applied := plan.AppliedOf(had.Commit, had.Revision)
		rec := &state.Record{Key: key, Status: state.StatusApplied, Applied: &applied}
		if broken[key] == "" {
			rec.Removed = &state.Removal{}
		}
		in.Records.Put(rec)
	}
	return past, nil
}

// explainReturns adds to each task that is new in the plan what is known of its past, where
// it has one or could have: git does not know what was applied.
func explainReturns(p *plan.Plan, past *source.Past, broken map[spec.Key]string) {
	for i := range p.Changes {
		c := &p.Changes[i]
		at, base := broken[c.Key], p.Against
		switch {
		case c.Want == nil || past == nil:
		case at != "" && c.Reason == plan.ReasonNew:
			c.Detail = fmt.Sprintf("what it was before is unknown: its spec in %s is invalid (%s)", base, at)
		case at != "" && past.Found[c.Key].Commit != nil:
			c.Detail = fmt.Sprintf("its spec in %s is invalid (%s): compared with that of %.12s", base, at, c.Have.Applied.Revision)
		case c.Have != nil && c.Have.Removed != nil:
			c.Detail = fmt.Sprintf("its spec was in %s up to %.12s, and may have been applied: what the state has of it decides", base, c.Have.Applied.Revision)
		case c.Reason == plan.ReasonNew && !past.Whole:
			c.Detail = fmt.Sprintf("it may have been applied before: of the history of %s, no more than the newest %d commits could be searched", base, past.Commits+1)
		}
	}
}

// alone returns the file without its dependencies on tasks in other files.
func alone(f *spec.File) *spec.File {
	out := &spec.File{Name: f.Name, Commits: make([]*spec.Commit, len(f.Commits)), Broken: f.Broken, Unread: f.Unread, Problems: f.Problems}
	for i, c := range f.Commits {
		bare := *c
		bare.DependsOn = nil
		out.Commits[i] = &bare
	}
	return out
}
