package spec

import "iter"

// place is where a task is named: by a commit, or by one that is broken.
type place struct {
	commit *Commit
	broken *Named
}

// places are where one task is named.
type places map[place]struct{}

func (p place) key() Key {
	if p.commit != nil {
		return p.commit.Key
	}
	return p.broken.Key
}

func (p place) pos() Pos {
	if p.commit != nil {
		return p.commit.Pos
	}
	return p.broken.Pos
}

// places yields where the file names a task.
func (f *File) places() iter.Seq[place] {
	return func(yield func(place) bool) {
		for i := range f.names() {
			if !yield(f.place(i)) {
				return
			}
		}
	}
}

// names counts the places where the file names a task.
func (f *File) names() int { return len(f.Commits) + len(f.Broken) }

// place returns the i-th of them.
func (f *File) place(i int) place {
	if i < len(f.Commits) {
		return place{commit: f.Commits[i]}
	}
	return place{broken: &f.Broken[i-len(f.Commits)]}
}

// apart returns the places that one of two versions of a file has and the other has
// not. It relies on no order; but it finds what they share where that is in the order
// in which it stands in the file, as Parse has it.
func apart(old, now *File) (gone, come []place) {
	i, j := 0, 0
	for i < old.names() && j < now.names() {
		a, b := old.place(i), now.place(j)
		switch {
		case a == b:
			i, j = i+1, j+1
		case a.pos().compare(b.pos()) <= 0:
			gone, i = append(gone, a), i+1
		default:
			come, j = append(come, b), j+1
		}
	}
	for ; i < old.names(); i++ {
		gone = append(gone, old.place(i))
	}
	for ; j < now.names(); j++ {
		come = append(come, now.place(j))
	}
	return gone, come
}
