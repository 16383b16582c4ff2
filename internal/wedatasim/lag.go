package wedatasim

import (
	"slices"
	"time"
)

// past is how a task was until a time.
type past struct {
	until time.Time // when it became another
	task  *Task     // nil: there was none
}

// remember keeps how the task is, as long as a read may still show it. It comes
// before every change. s.mu is held.
func (s *Server) remember(key taskKey) {
	lag := s.opts.Behavior.ReadLag
	if lag == 0 {
		delete(s.pasts, key)
		return
	}
	now := s.now()
	kept := slices.DeleteFunc(s.pasts[key], func(p past) bool { return now.Sub(p.until) >= lag })
	var was *Task
	if t, ok := s.tasks[key]; ok {
		was = new(t.clone())
	}
	s.pasts[key] = append(kept, past{now, was})
}

// lag draws how old the state is that the next read of the key shows. s.mu is held.
func (s *Server) lag(key taskKey) time.Duration {
	if s.opts.Behavior.ReadLag == 0 {
		return 0
	}
	s.reads[key]++
	return s.drawn(s.opts.Behavior.ReadLag, "lag", key, s.reads[key])
}

// seen returns the task as it was so long ago, nil if there was none. s.mu is held.
func (s *Server) seen(key taskKey, lag time.Duration) *Task {
	if lag > 0 {
		at := s.now().Add(-lag)
		for _, p := range s.pasts[key] {
			if p.until.After(at) {
				return p.task
			}
		}
	}
	return s.tasks[key]
}

// allSeen returns all tasks as they were so long ago. s.mu is held.
func (s *Server) allSeen(lag time.Duration) []*Task {
	list := make([]*Task, 0, len(s.tasks))
	for key := range s.tasks {
		if t := s.seen(key, lag); t != nil {
			list = append(list, t)
		}
	}
	for key := range s.pasts {
		if _, ok := s.tasks[key]; ok {
			continue
		}
		if t := s.seen(key, lag); t != nil {
			list = append(list, t)
		}
	}
	return list
}
