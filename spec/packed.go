package spec

import (
	"fmt"
	"slices"
)

// packedTogether is how many files a Set packs together.
const packedTogether = 256

// Packed is some files as a Set keeps them: a quarter of their size in memory, and
// nothing in it for the collector of garbage to look at. It can be written, and read
// again, by the same program: what it looks like may change with each version.
//
// It consists of fields, and of the texts that they refer to. A text that several of
// the files have is in it once. A commit can be read without what comes before it.
type Packed struct {
	fields []byte
	texts  string
}

// Pack packs the files.
func Pack(files []*File) *Packed {
	e := encoder{known: make(map[string]int)}
	for _, f := range files {
		e.file(f)
	}
	return &Packed{e.fields, string(e.texts)}
}

// Unpack returns the files. They keep the texts, and nothing else.
func (p *Packed) Unpack() ([]*File, error) {
	var files []*File
	d := p.decoder(cursor{})
	for d.more() {
		files = append(files, d.file())
	}
	return files, d.done()
}

func (p *Packed) decoder(at cursor) decoder {
	return decoder{fields: p.fields[at.fields:], texts: p.texts, at: int(at.texts), size: len(p.fields)}
}

// plain reports whether the file is nothing but its commits, as nearly all are.
func (f *File) plain() bool {
	return !f.Unread && len(f.Broken) == 0 && len(f.Problems) == 0
}

// bundle is what a set has of files that were packed together.
type bundle struct {
	Packed
	all  int // how many plain files there are in it
	left int // how many of them the set still has
}

// sparse reports whether what is over is more than what is not.
func (b *bundle) sparse() bool { return b.left*2 < b.all }

// spot is where a file or a commit stands in a bundle.
type spot struct {
	in *bundle
	cursor
}

// Take puts the files in, of whose names it has none, and keeps them packed. After an
// error, which says that it had, or that they are not what Pack has made, the set is of
// no use. It costs least in the order of InOrder.
func (s *Set) Take(p *Packed) error {
	s.settled = false
	b := &bundle{Packed: *p}
	d := b.decoder(cursor{})
	var c Commit
	for d.more() {
		at := spot{b, d.cursor()}
		files, h := len(s.files), d.head()
		if h.plain {
			s.files[h.name] = held{spot: at}
			s.weight = s.weight.Add(s.files[h.name].weight())
		} else {
			d = b.decoder(at.cursor)
			s.put(d.file())
		}
		if len(s.files) == files {
			return fmt.Errorf("%w: %s is there twice", errEncoding, quote(h.name))
		}
		if !h.plain {
			continue
		}
		b.all, b.left = b.all+1, b.left+1
		for range h.commits {
			at := spot{b, d.cursor()}
			d.commit(&c)
			s.name(naming{c.Key, place{spot: at}}, len(c.DependsOn) > 0)
		}
	}
	return d.done()
}

// leave notes that the set has a file no more.
func (s *Set) leave(h held) {
	if h.in == nil {
		return
	}
	h.in.left--
	if h.in.sparse() {
		s.sparse[h.in] = struct{}{}
	}
	if h.in.left == 0 {
		delete(s.sparse, h.in)
	}
}

// tidy packs the files that were put since it last did, once they are many, together
// with what is left of bundles in which most is over. So a file is packed once or
// twice, however many there are.
func (s *Set) tidy() {
	if len(s.loose) < s.batch && len(s.sparse) <= s.batch/16 {
		return
	}
	for b := range s.sparse {
		for d := b.decoder(cursor{}); d.more(); {
			at := spot{b, d.cursor()}
			if f := d.file(); s.files[f.Name].spot == at {
				s.put(f)
			}
		}
	}
	clear(s.sparse)
	var files []*File
	slices.Sort(s.loose)
	for _, name := range slices.Compact(s.loose) {
		if f := s.files[name].file; f != nil && s.packs(f) {
			files = append(files, f)
		}
	}
	s.loose = s.loose[:0]
	for some := range slices.Chunk(files, s.batch) {
		s.pack(some)
	}
}

// packs reports whether the file can be packed: it is plain, and there is no more to
// be said of the tasks that it names.
func (s *Set) packs(f *File) bool {
	return f.plain() && !slices.ContainsFunc(f.Commits, func(c *Commit) bool {
		at := s.once[c.Key]
		return at == nil || at.commit != c
	})
}

// pack packs files of the set that it packs.
func (s *Set) pack(files []*File) {
	b := &bundle{Packed: *Pack(files), all: len(files), left: len(files)}
	var c Commit
	for d := b.decoder(cursor{}); d.more(); {
		at := spot{b, d.cursor()}
		h := d.head()
		s.files[h.name] = held{spot: at}
		for range h.commits {
			at := spot{b, d.cursor()}
			d.commit(&c)
			named := s.once[c.Key]
			*named = place{spot: at}
			s.once[c.Key] = named // for the key to be a text of the bundle, too
		}
	}
}
