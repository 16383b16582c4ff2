package spec

import (
	"maps"
	"slices"
)

// settle works out what follows from the files put and removed since. Where nothing was,
// it writes nothing, for others may be reading.
func (s *Set) settle() {
	if s.settled {
		return
	}
	s.settled = true
	s.touched = inOrder(s.touched)
	others := s.graph.settle(s)
	keys := s.touched
	if len(others) > 0 {
		keys = inOrder(append(others, keys...))
	}
	if len(keys) > 0 {
		s.reorder(keys)
	}
	for _, k := range s.touched {
		if s.unread > 0 && !s.named(k) {
			s.unsure[k] = struct{}{}
		}
	}
	s.touched, s.linked = nil, nil // after the first fill they would stay large
	if s.unread == 0 && len(s.unsure) > 0 {
		s.changed = slices.AppendSeq(s.changed, maps.Keys(s.unsure)) // surely absent now
		clear(s.unsure)
	}
}

// inOrder sorts the keys, and leaves each in once.
func inOrder(keys []Key) []Key {
	slices.SortFunc(keys, Key.Compare)
	return slices.Compact(keys)
}

// reorder makes the order anew for the keys, which are sorted, by copying what
// lies between them; and notes the tasks that differ.
func (s *Set) reorder(keys []Key) {
	old := s.order
	s.order = make([]*Commit, 0, len(old)+len(keys))
	for _, k := range keys {
		i, found := seek(old, k)
		s.order = append(s.order, old[:i]...)
		old = old[i:]
		var was *Commit
		if found {
			was, old = old[0], old[1:]
		}
		is := s.usable(k)
		if is != nil {
			s.order = append(s.order, is)
		}
		if s.asked && s.differs(k, was, is) {
			s.changed = append(s.changed, k)
		}
	}
	s.order = append(s.order, old...)
}

// seek returns where in the order the key is, or would be. It costs least near the
// beginning.
func seek(order []*Commit, k Key) (i int, found bool) {
	compare := func(c *Commit, k Key) int { return c.Key.Compare(k) }
	end := 1
	for end < len(order) && compare(order[end], k) <= 0 {
		end *= 2
	}
	start := end / 2
	i, found = slices.BinarySearchFunc(order[start:min(end, len(order))], k, compare)
	return start + i, found
}

// differs reports whether the task's commit may differ, or whether it is absent.
func (s *Set) differs(k Key, was, is *Commit) bool {
	if was == nil && is == nil {
		_, touched := slices.BinarySearchFunc(s.touched, k, Key.Compare)
		return touched
	}
	return was == nil || is == nil || !was.equal(is)
}
