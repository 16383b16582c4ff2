package spec

import "iter"

// mention is a place where a file names a task: a commit, or one that is not usable.
type mention struct {
	commit *Commit
	broken *Named
}

// mentions are the places where one task is named.
type mentions map[mention]struct{}

// usable reports whether the place is a commit that can be used.
func (m mention) usable() bool { return m.commit != nil }

func (m mention) key() Key {
	if m.commit != nil {
		return m.commit.Key
	}
	return m.broken.Key
}

func (m mention) pos() Pos {
	if m.commit != nil {
		return m.commit.Pos
	}
	return m.broken.Pos
}

// mentions yields each place where the file names a task.
func (f *File) mentions() iter.Seq[mention] {
	return func(yield func(mention) bool) {
		for _, c := range f.Commits {
			if !yield(mention{commit: c}) {
				return
			}
		}
		for i := range f.Broken {
			if !yield(mention{broken: &f.Broken[i]}) {
				return
			}
		}
	}
}

// Keys yields the task of each place where the file names one.
func (f *File) Keys() iter.Seq[Key] {
	return func(yield func(Key) bool) {
		for m := range f.mentions() {
			if !yield(m.key()) {
				return
			}
		}
	}
}
