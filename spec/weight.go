package spec

// Weight is what files make a set carry.
type Weight struct {
	Bytes      int64 // of the files' texts
	Commits    int   // places that name a task, and tasks that these depend on
	Complaints int   // of the files, and places that name a task that another place names, too
}

// Add returns the sum of the two.
func (w Weight) Add(o Weight) Weight {
	return Weight{w.Bytes + o.Bytes, w.Commits + o.Commits, w.Complaints + o.Complaints}
}

// Sub returns the difference of the two.
func (w Weight) Sub(o Weight) Weight {
	return Weight{w.Bytes - o.Bytes, w.Commits - o.Commits, w.Complaints - o.Complaints}
}

// Weight returns what the file adds to that of a set, but for tasks that are named
// elsewhere, too.
func (f *File) Weight() Weight {
	commits := len(f.Commits) + len(f.Broken)
	for _, c := range f.Commits {
		commits += len(c.DependsOn)
	}
	return Weight{int64(f.Size), commits, len(f.Problems)}
}

// Weight returns what the set carries.
func (s *Set) Weight() Weight {
	w := s.weight
	w.Complaints += s.repeated
	return w
}

// WeightOf returns what of that is the file's of that name.
func (s *Set) WeightOf(name string) Weight {
	f := s.files[name]
	if f == nil {
		return Weight{}
	}
	w := f.Weight()
	if s.repeated > 0 {
		for k := range f.Keys() {
			if len(s.duplicates[k]) > 1 {
				w.Complaints++
			}
		}
	}
	return w
}

// Elsewhere reports whether a file names the task that is not among those left out, and
// whether its place is among the complaints of Weight already.
func (s *Set) Elsewhere(k Key, without map[string]struct{}) (named, counted bool) {
	outside := func(p Pos) bool {
		_, left := without[p.File]
		return !left
	}
	if c := s.single[k]; c != nil {
		return outside(c.Pos), false
	}
	for m := range s.duplicates[k] {
		if outside(m.pos()) {
			return true, len(s.duplicates[k]) > 1
		}
	}
	return false, false
}
