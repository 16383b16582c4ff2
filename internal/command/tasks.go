package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/source"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// maxCandidates bounds the tasks that an error lists.
const maxCandidates = 10

// candidate is a task that a name may mean.
type candidate struct {
	key  spec.Key
	name string // what people call it
}

// FindTask returns the task that somebody named: by its id, as projectId/taskId, by its
// name, or with prefixes by the beginning of one of them that no other task has. p may be
// nil. An ambiguous name is an error that lists the tasks.
func FindTask(ctx context.Context, v View, p *plan.Plan, said string, prefixes bool) (spec.Key, error) {
	var tiers [3][]candidate // by id, by name, by the beginning of either
	seen := map[spec.Key]bool{}
	match := func(c candidate) {
		begins := func(s string) bool { return strings.HasPrefix(s, said) }
		switch {
		case seen[c.key]:
			return
		case c.key.String() == said || c.key.TaskID == said:
			tiers[0] = append(tiers[0], c)
		case c.name == said:
			tiers[1] = append(tiers[1], c)
		case prefixes && said != "" && (begins(c.key.TaskID) || begins(c.key.String()) || begins(c.name)):
			tiers[2] = append(tiers[2], c)
		default:
			return
		}
		seen[c.key] = true
	}
	if p != nil {
		for _, want := range p.Wanted {
			match(candidate{want.Key, want.Name})
		}
		for i := range p.Changes {
			match(candidate{p.Changes[i].Key, p.Changes[i].Name()})
		}
		for i := range p.Skipped {
			match(candidate{p.Skipped[i].Key, p.Skipped[i].Have.Name()})
		}
	}
	records, err := v.Find(ctx, said, prefixes)
	if err != nil {
		return spec.Key{}, err
	}
	for _, rec := range records {
		name := rec.Name()
		if p != nil {
			name = cmp.Or(p.NameOf(rec.Key, rec), name)
		}
		match(candidate{rec.Key, name})
	}
	for _, found := range tiers {
		switch len(found) {
		case 0:
		case 1:
			return found[0].key, nil
		default:
			return spec.Key{}, ambiguous(said, found)
		}
	}
	return spec.Key{}, fmt.Errorf("%w %s in the state or the plan", errNoTask, said)
}

var errNoTask = errors.New("there is no task")

// ambiguous lists the tasks that a name may mean.
func ambiguous(said string, found []candidate) error {
	slices.SortFunc(found, func(a, b candidate) int { return a.key.Compare(b.key) })
	var b strings.Builder
	for i, c := range found {
		if i == maxCandidates {
			fmt.Fprintf(&b, "\n  + %d more", len(found)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %s", explain.Label(c.name, c.key.String()))
	}
	count := strconv.Itoa(len(found))
	if len(found) > sqlstore.MaxFound {
		count = fmt.Sprintf("more than %d", sqlstore.MaxFound)
	}
	return fmt.Errorf("%q names %s tasks: give projectId/taskId of one of them:%s", said, count, b.String())
}

// Target returns what an operator's command is about, for what somebody said: a task by
// its name becomes projectId/taskId. What names no task of the state stays as it is.
func Target(ctx context.Context, a Access, said string) (string, error) {
	if said == "" {
		return "", nil
	}
	v, err := a.View(ctx)
	if err != nil {
		return said, err
	}
	defer v.Close() // it was only read
	key, err := FindTask(ctx, v, nil, said, false)
	switch {
	case errors.Is(err, errNoTask), err == nil && key.TaskID == said:
		return said, nil
	case err != nil:
		return said, err
	default:
		return key.String(), nil
	}
}

// SpecTask is a task that a spec names, and what that says of it.
type SpecTask struct {
	Key  spec.Key
	Name string
	Said string
}

// SpecTasks returns the tasks that the specs name if these are in a folder on this machine:
// also those that are suspended, or whose spec is not valid. A completion polls no
// repository.
func SpecTasks(ctx context.Context, s *config.Settings) ([]SpecTask, error) {
	if s.Source == "" || source.IsGit(s.Source) {
		return nil, nil
	}
	set, err := ReadSpecs(ctx, filepath.Join(s.Source, filepath.FromSlash(s.Path)))
	if err != nil {
		return nil, err
	}
	var tasks []SpecTask
	for c := range set.All() {
		said := "not in the state"
		if c.Suspend {
			said = "suspended by its spec"
		}
		tasks = append(tasks, SpecTask{c.Key, c.Name, said})
	}
	for name := range set.Names() {
		for _, broken := range set.File(name).Broken {
			tasks = append(tasks, SpecTask{Key: broken.Key, Said: "its spec is not valid"})
		}
	}
	return tasks, nil
}
