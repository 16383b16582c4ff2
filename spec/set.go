package spec

import (
	"iter"
	"maps"
	"slices"
)

// Set is all that a source says, kept by file: to put or remove a file costs what
// the file holds, or what differs from its version before, not what the set holds. What
// follows from several files, such as a task named twice, is worked out when it is next
// asked for. So no two methods may run at once, except that reading methods may after
// one of them has returned since the last Put, Take or Remove.
//
// Files of which nothing is to be said but their commits are packed. A commit of theirs
// is unpacked when it is asked for, each time anew.
type Set struct {
	files  map[string]held
	faulty map[string]*File     // the files that have problems
	unread int                  // files that may name any task
	loose  []string             // files put since tidy, repeated
	sparse map[*bundle]struct{} // in which most is over
	batch  int                  // how many files are packed together
	weight Weight               // of the files by themselves

	once      map[Key]*place // tasks that one commit names, and nothing else does
	contest   map[Key]places // tasks named otherwise: more than once, or by a broken commit
	contested int            // places of tasks that are named more than once
	graph     graph          // who depends on whom among once

	settled bool             // nothing was put or removed since settle
	last    Key              // in order, of all tasks that were ever named
	touched []Key            // whose naming may have changed since settle; in any order, repeated
	linked  []Key            // those among them that depend on others, or did
	order   []*place         // the usable commits in order of key, as settled; only appended to
	asked   bool             // Changed was called
	changed []Key            // since then; in any order, repeated
	limbo   map[Key]struct{} // no longer named, while an unread file may name them
}

// NewSet returns an empty set.
func NewSet() *Set {
	return &Set{
		files:   make(map[string]held),
		faulty:  make(map[string]*File),
		sparse:  make(map[*bundle]struct{}),
		batch:   packedTogether,
		once:    make(map[Key]*place),
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
	s.files = make(map[string]held, n)
	s.once = make(map[Key]*place, n)
	s.order = make([]*place, 0, n)
}

// Put adds the file, or replaces the one of that name. The set keeps the file,
// which must not change any more.
func (s *Set) Put(f *File) {
	s.settled = false
	s.put(f)
	s.tidy()
}

func (s *Set) put(f *File) {
	old, replaces := s.files[f.Name]
	var gone, come []naming
	switch {
	case !replaces:
		s.keep(f)
		for n := range f.namings() {
			s.name(n, n.depends())
		}
		return
	default:
		gone, come = old.namings(), held{file: f}.namings()
	}
	for _, n := range gone {
		s.unname(n)
	}
	s.forget(f.Name, old)
	s.keep(f)
	touched := len(s.touched)
	for _, n := range come {
		s.name(n, n.depends())
	}
	if slices.EqualFunc(gone, come, func(a, b naming) bool { return a.Key == b.Key }) {
		s.touched = s.touched[:touched] // they are in it already
	}
}

// Remove takes the file of that name out.
func (s *Set) Remove(name string) {
	if f, ok := s.files[name]; ok {
		for _, n := range f.namings() {
			s.unname(n)
		}
		s.settled = false
		s.forget(name, f)
		s.tidy()
	}
}

// name notes that a task is named, by a commit that depends on others or not.
func (s *Set) name(n naming, depends bool) {
	behind := n.Compare(s.last) > 0
	if behind {
		s.last = n.Key
		if n.usable() && !depends && len(s.graph.targets) == 0 {
			s.addLast(n)
			return
		}
	}
	s.touch(n.Key, depends)
	contest, contested := s.contest[n.Key]
	first, twice := s.once[n.Key]
	switch {
	case contested:
		s.contested++
		if len(contest) == 1 {
			s.contested++
		}
		contest[n.place] = struct{}{}
	case twice:
		s.contested += 2
		delete(s.once, n.Key)
		s.contest[n.Key] = places{*first: {}, n.place: {}}
	case !n.usable():
		s.contest[n.Key] = places{n.place: {}}
	default:
		at := n.place
		s.once[n.Key] = &at
	}
}

// addLast takes in a task that comes after all that were ever named, on which none
// depends, and whose commit depends on none: nothing else follows from that.
func (s *Set) addLast(n naming) {
	at := n.place
	s.once[n.Key] = &at
	s.order = append(s.order, &at)
	if s.asked {
		s.changed = append(s.changed, n.Key)
	}
}

// unname notes that a task is not named at the place any more.
func (s *Set) unname(n naming) {
	contest, contested := s.contest[n.Key]
	if !contested {
		s.touch(n.Key, false)
		delete(s.once, n.Key)
		return
	}
	s.touch(n.Key, true)
	if len(contest) > 1 {
		s.contested--
	}
	delete(contest, n.place)
	if len(contest) > 1 {
		return
	}
	s.contested -= len(contest) // the last one is alone now
	for last := range contest {
		if !last.usable() {
			return
		}
		s.once[n.Key] = &last
	}
	delete(s.contest, n.Key)
}

// touch notes that what names the task is another, and whether that may depend on
// others.
func (s *Set) touch(k Key, depends bool) {
	s.touched = append(s.touched, k)
	if depends || s.graph.edges[k] != nil {
		s.linked = append(s.linked, k)
	}
}

// named reports whether some file is known to name the task.
func (s *Set) named(k Key) bool {
	return s.once[k] != nil || len(s.contest[k]) > 0
}

// Get returns the usable commit of the task, or nil.
func (s *Set) Get(k Key) *Commit {
	s.settle()
	if at := s.usable(k); at != nil {
		return at.get()
	}
	return nil
}

// Has reports whether the task has a usable commit.
func (s *Set) Has(k Key) bool {
	s.settle()
	return s.usable(k) != nil
}

// usable returns where the usable commit of the task stands, or nil.
func (s *Set) usable(k Key) *place {
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
	return func(yield func(*Commit) bool) {
		for _, at := range s.order {
			if !yield(at.get()) {
				return
			}
		}
	}
}

// Peek returns the i-th of All, from 0, for who looks at many: it can be into, which is
// good until the next Peek.
func (s *Set) Peek(i int, into *Commit) *Commit {
	s.settle()
	return s.order[i].read(into)
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

// settle works out what follows from the files put and removed since. Where nothing was,
// it writes nothing, for others may be reading.
func (s *Set) settle() {
	if s.settled {
		return
	}
	s.settled = true
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
	s.touched, s.linked = nil, nil // after the first fill they would stay large
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
	s.order = make([]*place, 0, len(old)+len(keys))
	for _, k := range keys {
		i, found := seek(old, k)
		s.order = append(s.order, old[:i]...)
		old = old[i:]
		var was *place
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
func seek(order []*place, k Key) (i int, found bool) {
	var c Commit
	compare := func(at *place, k Key) int { return at.read(&c).Key.Compare(k) }
	end := 1
	for end < len(order) && compare(order[end], k) <= 0 {
		end *= 2
	}
	start := end / 2
	i, found = slices.BinarySearchFunc(order[start:min(end, len(order))], k, compare)
	return start + i, found
}

// differs reports whether the task's commit may differ, or whether it is absent.
func (s *Set) differs(k Key, was, is *place) bool {
	if was == nil && is == nil {
		_, touched := slices.BinarySearchFunc(s.touched, k, Key.Compare)
		return touched
	}
	return was == nil || is == nil || was != is && !was.get().equal(is.get())
}

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
	for k, contest := range s.contest {
		duplicates(k, contest, l.add)
	}
	s.graph.problems(s, l.add)
	return l.problems()
}

// duplicates complains at each place that names the task, if they are several.
func duplicates(k Key, contest places, add func(Problem)) {
	if len(contest) < 2 {
		return
	}
	at := make([]Pos, 0, len(contest))
	for p := range contest {
		at = append(at, p.pos())
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
