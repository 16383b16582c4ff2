package spec

import (
	"iter"
	"maps"
	"slices"
)

// Set is all that a source says, kept by file: to put or remove a file costs what
// the file holds, not what the set holds. What follows from several files, such as a
// task named twice, is worked out when it is next asked for. So no two methods may run
// at once, except that reading methods may after one of them has returned since the
// last Put or Remove.
type Set struct {
	files  map[string]*File
	faulty map[string]*File // the files that have problems
	unread int              // files that may name any task
	weight Weight           // of the files by themselves

	single     map[Key]*Commit  // tasks that one commit names, and nothing else does
	duplicates map[Key]mentions // tasks named otherwise: more than once, or by a broken commit
	repeated   int              // places of tasks that are named more than once
	graph      graph            // who depends on whom among single

	settled bool             // nothing was put or removed since settle
	touched []Key            // named or no longer named since settle; in any order, repeated
	linked  []Key            // those among them that depend on others, or did
	order   []*Commit        // the usable commits in order of key, as settled; not changed in place
	asked   bool             // Changed was called
	changed []Key            // since then; in any order, repeated
	unsure  map[Key]struct{} // no longer named, while an unread file may name them
}

// NewSet returns an empty set.
func NewSet() *Set {
	return &Set{
		files:      make(map[string]*File),
		faulty:     make(map[string]*File),
		single:     make(map[Key]*Commit),
		duplicates: make(map[Key]mentions),
		graph:      newGraph(),
		unsure:     make(map[Key]struct{}),
	}
}

// Grow makes room in an empty set for that many files.
func (s *Set) Grow(files int) {
	if len(s.files) == 0 && len(s.single) == 0 {
		s.files, s.single = make(map[string]*File, files), make(map[Key]*Commit, files)
	}
}

// Put adds the file, or replaces the one of that name. The set keeps the file,
// which must not change any more.
func (s *Set) Put(f *File) {
	s.Remove(f.Name)
	s.settled = false
	s.files[f.Name] = f
	s.weight = s.weight.Add(f.Weight())
	if len(f.Problems) > 0 {
		s.faulty[f.Name] = f
	}
	if f.Unread {
		s.unread++
	}
	for m := range f.mentions() {
		s.add(m)
	}
}

// Remove takes the file of that name out.
func (s *Set) Remove(name string) {
	f := s.files[name]
	if f == nil {
		return
	}
	s.settled = false
	for m := range f.mentions() {
		s.drop(m)
	}
	s.weight = s.weight.Sub(f.Weight())
	delete(s.files, name)
	delete(s.faulty, name)
	if f.Unread {
		s.unread--
	}
}

// add notes that a task is named at the place.
func (s *Set) add(m mention) {
	k := m.key()
	s.touch(k, m.usable() && len(m.commit.DependsOn) > 0)
	others := s.duplicates[k]
	first := s.single[k]
	switch {
	case others != nil:
		s.repeated++
		if len(others) == 1 {
			s.repeated++
		}
		others[m] = struct{}{}
	case first != nil:
		s.repeated += 2
		delete(s.single, k)
		s.duplicates[k] = mentions{{commit: first}: {}, m: {}}
	case !m.usable():
		s.duplicates[k] = mentions{m: {}}
	default:
		s.single[k] = m.commit
	}
}

// drop notes that a task is not named at the place any more.
func (s *Set) drop(m mention) {
	k := m.key()
	others := s.duplicates[k]
	s.touch(k, others != nil)
	if others == nil {
		delete(s.single, k)
		return
	}
	if len(others) > 1 {
		s.repeated--
	}
	delete(others, m)
	if len(others) > 1 {
		return
	}
	s.repeated -= len(others) // the last one is alone now
	for last := range others {
		if !last.usable() {
			return
		}
		s.single[k] = last.commit
	}
	delete(s.duplicates, k)
}

// touch notes that the places that name the task are others, and whether a commit among
// them may depend on other tasks.
func (s *Set) touch(k Key, depends bool) {
	s.touched = append(s.touched, k)
	if depends || s.graph.edges[k] != nil {
		s.linked = append(s.linked, k)
	}
}

// named reports whether some file is known to name the task.
func (s *Set) named(k Key) bool {
	return s.single[k] != nil || len(s.duplicates[k]) > 0
}

// Get returns the usable commit of the task, or nil.
func (s *Set) Get(k Key) *Commit {
	s.settle()
	return s.usable(k)
}

// Has reports whether the task has a usable commit.
func (s *Set) Has(k Key) bool { return s.Get(k) != nil }

func (s *Set) usable(k Key) *Commit {
	if s.graph.faulty(k) {
		return nil
	}
	return s.single[k]
}

// Absent reports whether the specs surely do not name the task: no commit names
// it, usable or not, and every file could be read.
func (s *Set) Absent(k Key) bool { return s.unread == 0 && !s.named(k) }

// All yields the usable commits in order of key.
func (s *Set) All() iter.Seq[*Commit] {
	s.settle()
	return slices.Values(s.order)
}

// Commits returns the usable commits. The list stays as it is when the set changes, and is
// for any goroutine.
func (s *Set) Commits() Commits {
	s.settle()
	return s.order
}

// At returns the i-th of All, from 0.
func (s *Set) At(i int) *Commit {
	s.settle()
	return s.order[i]
}

// Len counts the usable commits.
func (s *Set) Len() int {
	s.settle()
	return len(s.order)
}

// Changed returns, in order, the tasks whose commit may say something else than when
// Changed was last called, and those that have become Absent since. A commit that
// stands in another place is none of them. The first time it may be all tasks.
func (s *Set) Changed() (keys []Key, all bool) {
	s.settle()
	keys, all = s.changed, !s.asked
	s.changed, s.asked = nil, true
	return inOrder(keys), all
}

// File returns the file of that name, or nil. It may run beside reading methods.
func (s *Set) File(name string) *File { return s.files[name] }

// Files counts the files.
func (s *Set) Files() int { return len(s.files) }

// Names yields the names of the files, in no order.
func (s *Set) Names() iter.Seq[string] { return maps.Keys(s.files) }

// Problems lists the complaints in order of place: the first 1,000 errors and as many
// warnings, with how many more there are.
func (s *Set) Problems() Problems {
	s.settle()
	var l listing
	for _, f := range s.faulty {
		for _, p := range f.Problems {
			l.add(p)
		}
	}
	for k, places := range s.duplicates {
		duplicates(k, places, l.add)
	}
	s.graph.problems(s, l.add)
	return l.problems()
}

// Invalid is a task that the specs name, and that has no usable commit.
type Invalid struct {
	Key     Key
	Problem Problem // the first error that makes it so
}

// Invalid lists the tasks that the specs name and that have no usable commit, in order of
// key.
func (s *Set) Invalid() []Invalid {
	s.settle()
	var all []Invalid
	for k, places := range s.duplicates {
		all = append(all, Invalid{k, s.fault(k, places)})
	}
	at := make(map[Pos]Problem) // of the commits with faulty dependencies
	s.graph.problems(s, func(p Problem) {
		if _, known := at[p.Pos]; !known {
			at[p.Pos] = p
		}
	})
	for _, faulty := range []map[Key][]Key{s.graph.unknown, s.graph.circles} {
		for k := range faulty {
			all = append(all, Invalid{k, at[s.single[k].Pos]})
		}
	}
	slices.SortFunc(all, func(a, b Invalid) int { return a.Key.Compare(b.Key) })
	return slices.CompactFunc(all, func(a, b Invalid) bool { return a.Key == b.Key })
}

// Unreadable returns the first error of the files that may name any task, as some of them
// could not be read; false if there are none.
func (s *Set) Unreadable() (first Problem, ok bool) {
	for _, f := range s.faulty {
		if !f.Unread {
			continue
		}
		if p, found := f.firstError(Pos{}); found && (!ok || p.Pos.compare(first.Pos) < 0) {
			first, ok = p, true
		}
	}
	return first, ok
}

// fault returns the first error at the places that name the task.
func (s *Set) fault(k Key, places mentions) (first Problem) {
	duplicates(k, places, func(p Problem) {
		if first.Code == "" {
			first = p
		}
	})
	for m := range places {
		if !m.usable() && first.Code == "" {
			first, _ = s.files[m.pos().File].firstError(m.pos())
		}
	}
	return first
}

// duplicates complains at each place that names the task, if they are several.
func duplicates(k Key, places mentions, add func(Problem)) {
	if len(places) < 2 {
		return
	}
	at := make([]Pos, 0, len(places))
	for m := range places {
		at = append(at, m.pos())
	}
	slices.SortFunc(at, Pos.compare)
	for i, pos := range at[:min(len(at), maxPlaces)] {
		other := at[0]
		if i == 0 {
			other = at[1]
		}
		add(problemf(pos, "duplicate-task",
			"task %s of project %s is also named in %s (%d times in all): keep one, neither is used",
			quote(k.TaskID), quote(k.ProjectID), other.short(), len(at)))
	}
}

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
