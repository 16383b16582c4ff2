package spec

import (
	"iter"
	"maps"
	"slices"
)

// held is a file of a set: as it was put, or packed.
type held struct {
	file *File
	spot
}

// get returns the file.
func (h held) get() *File {
	if h.file != nil || h.in == nil {
		return h.file
	}
	d := h.in.decoder(h.cursor)
	return d.file()
}

// namings returns what the file names, and where.
func (h held) namings() []naming {
	if h.file != nil {
		return slices.Collect(h.file.namings())
	}
	var all []naming
	d := h.in.decoder(h.cursor)
	var c Commit
	for range d.head().commits {
		at := spot{h.in, d.cursor()}
		d.commit(&c)
		all = append(all, naming{c.Key, place{spot: at}})
	}
	return all
}

// keep takes a file in, but for what it names.
func (s *Set) keep(f *File) {
	s.files[f.Name] = held{file: f}
	s.weight = s.weight.Add(f.Weight())
	if f.plain() {
		s.loose = append(s.loose, f.Name)
	}
	if len(f.Problems) > 0 {
		s.faulty[f.Name] = f
	}
	if f.Unread {
		s.unread++
	}
}

// forget takes a file out, but for what it names.
func (s *Set) forget(name string, h held) {
	s.weight = s.weight.Sub(h.weight())
	delete(s.files, name)
	delete(s.faulty, name)
	if h.file != nil && h.file.Unread {
		s.unread--
	}
	s.leave(h)
}

// Mark returns the mark of the file of that name; empty if there is none. It may run
// beside reading methods.
func (s *Set) Mark(name string) string {
	h := s.files[name]
	if h.file != nil {
		return h.file.Mark
	}
	if h.in == nil {
		return ""
	}
	d := h.in.decoder(h.cursor)
	return d.head().mark
}

// File returns the file of that name, or nil. It may run beside reading methods.
func (s *Set) File(name string) *File { return s.files[name].get() }

// InOrder yields the files: first those with usable commits, as All comes to them,
// then the others by name. A set that is filled in this order again, is filled in the
// least time.
func (s *Set) InOrder() iter.Seq[*File] {
	s.settle()
	return func(yield func(*File) bool) {
		seen := make(map[string]struct{}, len(s.files))
		var c Commit
		for _, at := range s.order {
			name := at.read(&c).Pos.File
			if _, ok := seen[name]; ok {
				continue
			}
			seen[name] = struct{}{}
			if !yield(s.File(name)) {
				return
			}
		}
		for _, name := range slices.Sorted(maps.Keys(s.files)) {
			if _, ok := seen[name]; !ok && !yield(s.File(name)) {
				return
			}
		}
	}
}

// Files counts the files.
func (s *Set) Files() int { return len(s.files) }

// Names yields the names of the files, in no order.
func (s *Set) Names() iter.Seq[string] { return maps.Keys(s.files) }
