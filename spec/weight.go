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
	return Weight{int64(f.Size), f.names() + f.depends(), len(f.Problems)}
}

// depends counts the tasks that the file's commits depend on.
func (f *File) depends() (n int) {
	for _, c := range f.Commits {
		n += len(c.DependsOn)
	}
	return n
}

func (h held) weight() Weight {
	if h.file != nil {
		return h.file.Weight()
	}
	d := h.in.decoder(h.cursor)
	head := d.head()
	return Weight{Bytes: int64(head.size), Commits: head.commits + head.depends}
}

// Weight returns what the set carries.
func (s *Set) Weight() Weight {
	w := s.weight
	w.Complaints += s.contested
	return w
}

// WeightOf returns what of that is the file's of that name.
func (s *Set) WeightOf(name string) Weight {
	h, ok := s.files[name]
	if !ok {
		return Weight{}
	}
	w := h.weight()
	if s.contested > 0 {
		for _, n := range h.namings() {
			if len(s.contest[n.Key]) > 1 {
				w.Complaints++
			}
		}
	}
	return w
}

// Elsewhere reports whether a file names the task that is not among those left out, and
// whether its place is among the complaints of Weight already.
func (s *Set) Elsewhere(k Key, without map[string]struct{}) (named, counted bool) {
	outside := func(p place) bool {
		_, left := without[p.pos().File]
		return !left
	}
	if at := s.once[k]; at != nil {
		return outside(*at), false
	}
	for p := range s.contest[k] {
		if outside(p) {
			return true, len(s.contest[k]) > 1
		}
	}
	return false, false
}

// Namings yields the task of each place where the file names one.
func (f *File) Namings() func(yield func(Key) bool) {
	return func(yield func(Key) bool) {
		for i := range f.names() {
			if !yield(f.naming(i).Key) {
				return
			}
		}
	}
}

// As returns a copy of the file under another name, as Parse makes it of the same text.
func (f *File) As(name string) *File {
	next := *f
	next.Name = name
	next.Commits = make([]*Commit, len(f.Commits))
	copies := make([]Commit, len(f.Commits))
	for i, c := range f.Commits {
		copies[i] = *c
		copies[i].Pos.File = name
		next.Commits[i] = &copies[i]
	}
	next.Broken = append([]Named(nil), f.Broken...)
	for i := range next.Broken {
		next.Broken[i].Pos.File = name
	}
	next.Problems = append(Problems(nil), f.Problems...)
	for i := range next.Problems {
		next.Problems[i].File = name
	}
	return &next
}
