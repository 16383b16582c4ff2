package command

import (
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

// FindTask returns the task that somebody named: by its id, as projectId/taskId, by its
// name, or with prefixes by the beginning of one of them that no other task has. p may be
// nil. An ambiguous name is an error that lists the tasks.
func FindTask(ctx context.Context, v View, p *plan.Plan, said string, prefixes bool) (spec.Key, error) {
	found, err := v.Candidates(ctx, p, said, prefixes)
	switch {
	case err != nil:
		return spec.Key{}, err
	case len(found) == 0:
		return spec.Key{}, fmt.Errorf("%w %s in the state or the plan", errNoTask, said)
	case len(found) > 1:
		return spec.Key{}, ambiguous(said, found)
	default:
		return found[0].Key, nil
	}
}

var errNoTask = errors.New("there is no task")

// ambiguous lists the tasks that a name may mean.
func ambiguous(said string, found []explain.Candidate) error {
	slices.SortFunc(found, func(a, b explain.Candidate) int { return a.Key.Compare(b.Key) })
	var b strings.Builder
	for i, c := range found {
		if i == maxCandidates {
			fmt.Fprintf(&b, "\n  + %d more", len(found)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %s", explain.Label(c.Name, c.Key.String()))
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
