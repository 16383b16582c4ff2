package spec

import "iter"

// place is where a task is named: by a commit, by one that is broken, or by one that
// is packed.
type place struct {
	commit *Commit
	broken *Named
	spot
}

// places are where one task is named.
type places map[place]struct{}

// usable reports whether what stands there is a commit that can be used.
func (p place) usable() bool { return p.broken == nil }

// read returns the commit that stands there: in into, which may have anything in it,
// if it has to be unpacked.
func (p place) read(into *Commit) *Commit {
	if p.commit != nil {
		return p.commit
	}
	d := p.in.decoder(p.cursor)
	d.commit(into)
	return into
}

// get is read for who keeps the commit.
func (p place) get() *Commit { return p.read(new(Commit)) }

func (p place) pos() Pos {
	if p.broken != nil {
		return p.broken.Pos
	}
	return p.get().Pos
}

// naming is a task, and a place that names it.
type naming struct {
	Key
	place
}

// depends reports whether a commit that is not packed depends on others.
func (n naming) depends() bool { return n.commit != nil && len(n.commit.DependsOn) > 0 }

// namings yields what the file names, and where.
func (f *File) namings() iter.Seq[naming] {
	return func(yield func(naming) bool) {
		for i := range f.names() {
			if !yield(f.naming(i)) {
				return
			}
		}
	}
}

// names counts the places where the file names a task.
func (f *File) names() int { return len(f.Commits) + len(f.Broken) }

// naming returns the i-th of them.
func (f *File) naming(i int) naming {
	if i < len(f.Commits) {
		return naming{f.Commits[i].Key, place{commit: f.Commits[i]}}
	}
	b := &f.Broken[i-len(f.Commits)]
	return naming{b.Key, place{broken: b}}
}
