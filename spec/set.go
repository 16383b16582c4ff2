package spec

import (
	"iter"
	"maps"
	"slices"
)

// Set is all that a source says, kept by file: to put or remove a file costs what
// the file holds, or what differs from its version before, not what the set holds. What follows from several files, such
// as a task named twice, is worked out when it is next asked for. So no two
// methods may run at once, except that reading methods may after one of them has
// returned since the last Put or Remove.
type Set struct {
	files  map[string]*File
	faulty map[string]*File // the files that have problems
	unread int              // files that may name any task

	once    map[Key]*Commit // tasks that one commit names, and nothing else does
	contest map[Key]places  // tasks named otherwise: more than once, or by a broken commit
	graph   graph           // who depends on whom among once

	touched []Key            // whose naming may have changed since settle; in any order, repeated
	order   []*Commit        // the usable commits in order of key, as settled; never written again
	changed []Key            // for Changed; in any order, repeated
	limbo   map[Key]struct{} // no longer named, while an unread file may name them
}

// NewSet returns an empty set.
func NewSet() *Set {
	return &Set{
		files:   make(map[string]*File),
		faulty:  make(map[string]*File),
		once:    make(map[Key]*Commit),
		contest: make(map[Key]places),
		graph:   newGraph(),
		limbo:   make(map[Key]struct{}),
	}
}

// Grow makes room for n more files, each with a task or two.
func (s *Set) Grow(n int) {
	if len(s.files) > 0 {
		return // a map cannot be asked to grow
	}
	s.files = make(map[string]*File, n)
	s.once = make(map[Key]*Commit, n)
	s.touched = make([]Key, 0, n)
}

// Put adds the file, or replaces the one of that name. The set keeps the file,
// which must not change any more.
//
// Of a file that is replaced, the commits that are in both versions, as Reparse leaves
// them, cost next to nothing.
func (s *Set) Put(f *File) {
	old := s.files[f.Name]
	if old == nil {
		s.keep(f)
		for at := range f.places() {
			s.name(at)
		}
		return
	}
	gone, come := apart(old, f)
	for _, at := range gone {
		s.unname(at)
	}
	s.forget(old)
	s.keep(f)
	touched := len(s.touched)
	for _, at := range come {
		s.name(at)
	}
	if slices.EqualFunc(gone, come, func(a, b place) bool { return a.key() == b.key() }) {
		s.touched = s.touched[:touched] // they are in it already
	}
}

// Remove takes the file of that name out.
func (s *Set) Remove(name string) {
	f := s.files[name]
	if f == nil {
		return
	}
	for at := range f.places() {
		s.unname(at)
	}
	s.forget(f)
}

// keep takes a file in, but for what it names.
func (s *Set) keep(f *File) {
	s.files[f.Name] = f
	if len(f.Problems) > 0 {
		s.faulty[f.Name] = f
	}
	if f.Unread {
		s.unread++
	}
}

// forget takes a file out, but for what it names.
func (s *Set) forget(f *File) {
	delete(s.files, f.Name)
	delete(s.faulty, f.Name)
	if f.Unread {
		s.unread--
	}
}

// File returns the file of that name, or nil. It may run beside reading methods.
func (s *Set) File(name string) *File { return s.files[name] }

// name notes that the task is named at a place.
func (s *Set) name(at place) {
	k := at.key()
	s.touched = append(s.touched, k)
	contest, contested := s.contest[k]
	first, twice := s.once[k]
	switch {
	case contested:
		contest[at] = struct{}{}
	case twice:
		delete(s.once, k)
		s.contest[k] = places{{commit: first}: {}, at: {}}
	case at.commit == nil:
		s.contest[k] = places{at: {}}
	default:
		s.once[k] = at.commit
	}
}

// unname notes that the task is not named at the place any more.
func (s *Set) unname(at place) {
	k := at.key()
	s.touched = append(s.touched, k)
	contest, contested := s.contest[k]
	if !contested {
		delete(s.once, k)
		return
	}
	delete(contest, at)
	if len(contest) > 1 {
		return
	}
	for last := range contest {
		if last.commit == nil {
			return
		}
		s.once[k] = last.commit
	}
	delete(s.contest, k)
}

// named reports whether some file is known to name the task.
func (s *Set) named(k Key) bool {
	return s.once[k] != nil || len(s.contest[k]) > 0
}

// Get returns the usable commit of the task, or nil.
func (s *Set) Get(k Key) *Commit {
	s.settle()
	return s.usable(k)
}

func (s *Set) usable(k Key) *Commit {
	if s.graph.faulty(k) {
		return nil
	}
	return s.once[k]
}

// Absent reports whether the specs surely do not name the task: no commit names
// it, usable or not, and every file could be read.
func (s *Set) Absent(k Key) bool { return s.unread == 0 && !s.named(k) }

// All yields the usable commits in order of key.
func (s *Set) All() iter.Seq[*Commit] {
	s.settle()
	return slices.Values(s.order)
}

// Len counts the usable commits.
func (s *Set) Len() int {
	s.settle()
	return len(s.order)
}

// InOrder yields the files: first those with usable commits, as All comes to them,
// then the others by name. A set that is filled in this order again, is filled in the
// least time.
func (s *Set) InOrder() iter.Seq[*File] {
	s.settle()
	return func(yield func(*File) bool) {
		seen := make(map[string]struct{}, len(s.files))
		for _, c := range s.order {
			if _, ok := seen[c.Pos.File]; ok {
				continue
			}
			seen[c.Pos.File] = struct{}{}
			if !yield(s.files[c.Pos.File]) {
				return
			}
		}
		for _, name := range slices.Sorted(maps.Keys(s.files)) {
			if _, ok := seen[name]; !ok && !yield(s.files[name]) {
				return
			}
		}
	}
}

// Files counts the files.
func (s *Set) Files() int { return len(s.files) }

// Changed returns, in order, the tasks whose commit may say something else than when
// Changed was last called, and those that have become Absent since. A commit that
// stands in another place is none of them.
func (s *Set) Changed() []Key {
	s.settle()
	keys := s.changed
	s.changed = nil
	return inOrder(keys)
}

// settle works out what follows from the files put and removed since.
func (s *Set) settle() {
	s.touched = inOrder(s.touched)
	others := s.graph.settle(s)
	if len(s.touched) == 0 && len(others) == 0 {
		s.release()
		return
	}
	keys := s.touched
	if len(others) > 0 {
		keys = inOrder(append(others, keys...))
	}
	s.reorder(keys)
	for _, k := range s.touched {
		if s.unread > 0 && !s.named(k) {
			s.limbo[k] = struct{}{}
		}
	}
	s.touched = nil // after the first fill it would stay large
	s.release()
}

// inOrder sorts the keys, and leaves each in once.
func inOrder(keys []Key) []Key {
	slices.SortFunc(keys, Key.Compare)
	return slices.Compact(keys)
}

// release lets the tasks out of limbo that are surely absent now.
func (s *Set) release() {
	if s.unread == 0 && len(s.limbo) > 0 {
		s.changed = slices.AppendSeq(s.changed, maps.Keys(s.limbo))
		clear(s.limbo)
	}
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
		if s.differs(k, was, is) {
			s.changed = append(s.changed, k)
		}
	}
	s.order = append(s.order, old...)
}

// seek returns where in the order the key is, or would be. It costs least near the
// beginning.
func seek(order []*Commit, k Key) (i int, found bool) {
	end := 1
	for end < len(order) && order[end].Key.Compare(k) <= 0 {
		end *= 2
	}
	start := end / 2
	i, found = slices.BinarySearchFunc(order[start:min(end, len(order))], k, func(c *Commit, k Key) int { return c.Key.Compare(k) })
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

// Problems lists every complaint, in order of place.
func (s *Set) Problems() Problems {
	s.settle()
	var all Problems
	for _, f := range s.faulty {
		all = append(all, f.Problems...)
	}
	for k, contest := range s.contest {
		all = append(all, duplicates(k, contest)...)
	}
	all = append(all, s.graph.problems(s.once)...)
	all.Sort()
	return all
}

// duplicates complains at each place that names the task, if they are several.
func duplicates(k Key, contest places) Problems {
	if len(contest) < 2 {
		return nil
	}
	at := make([]Pos, 0, len(contest))
	for p := range contest {
		at = append(at, p.pos())
	}
	slices.SortFunc(at, Pos.compare)
	var ps Problems
	for i, pos := range at[:min(len(at), maxPlaces)] {
		other := at[0]
		if i == 0 {
			other = at[1]
		}
		ps = append(ps, problemf(pos, "duplicate-task",
			"task %s of project %s is also named in %s (%d times in all): keep one, neither is used",
			quote(k.TaskID), quote(k.ProjectID), other.short(), len(at)))
	}
	return ps
}
