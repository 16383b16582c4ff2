package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// library answers the reads of a survey, and keeps what was asked.
type library struct {
	lists map[string][][]string // pages of task ids, by project and type
	alone map[string]bool       // tasks that no list has
	fails map[string][]error    // what an ask comes to first, one after the other

	mu    sync.Mutex
	asked []string
	times []time.Time
}

func (l *library) ask(text string) error {
	l.asked, l.times = append(l.asked, text), append(l.times, time.Now())
	if left := l.fails[text]; len(left) > 0 {
		l.fails[text] = left[1:]
		return left[0]
	}
	return nil
}

func (l *library) Page(ctx context.Context, q drift.Query, number int, gate pace.Gate) (drift.Page, error) {
	if err := gate(ctx); err != nil {
		return drift.Page{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	list := fmt.Sprintf("%s %s", q.ProjectID, q.TaskType.OrDefault())
	if len(q.TaskIDs) > 0 {
		if err := l.ask(fmt.Sprintf("list %s of %s", list, strings.Join(q.TaskIDs, " "))); err != nil {
			return drift.Page{}, err
		}
		p := drift.Page{Last: true}
		for _, id := range slices.Concat(l.lists[list]...) {
			if slices.Contains(q.TaskIDs, id) {
				p.Tasks = append(p.Tasks, drift.LiveTask{Key: spec.Key{ProjectID: q.ProjectID, TaskID: id}, TaskType: q.TaskType.OrDefault()})
			}
		}
		return p, nil
	}
	if err := l.ask(fmt.Sprintf("list %s %d", list, number)); err != nil {
		return drift.Page{}, err
	}
	pages := l.lists[list]
	if number > len(pages) {
		return drift.Page{Last: true}, nil
	}
	p := drift.Page{Last: number == len(pages)}
	for _, id := range pages[number-1] {
		p.Tasks = append(p.Tasks, drift.LiveTask{Key: spec.Key{ProjectID: q.ProjectID, TaskID: id}, TaskType: q.TaskType.OrDefault()})
	}
	return p, nil
}

func (l *library) Describe(ctx context.Context, key spec.Key, t spec.TaskType, gate pace.Gate) (*drift.LiveTask, error) {
	if err := gate(ctx); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.ask("look " + key.String()); err != nil {
		return nil, err
	}
	if !l.alone[key.String()] {
		return nil, plan.ErrTaskGone
	}
	return &drift.LiveTask{Key: key, TaskType: t, NotSubmitted: true}, nil
}
