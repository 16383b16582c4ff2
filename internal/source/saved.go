package source

import (
	"iter"
	"log/slog"
	"maps"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/wedatasync/wedatasync/internal/speccache"
	"github.com/wedatasync/wedatasync/internal/specfiles"
	"github.com/wedatasync/wedatasync/spec"
)

// savedShare says when parsed specs are saved: when one in so many of the source's commits
// was parsed since. So what that costs is a share of what the changes cost.
const savedShare = 16

// savedSpecs is a mirror's cache of parsed specs as one source uses it: it is read before
// the first revision, and written when enough was parsed since. Both happen in goroutines,
// which wait joins.
type savedSpecs struct {
	path, temp string
	log        *slog.Logger
	read       func() *speccache.Cache // nil once it is used up; it returns nil if there is none
	unsaved    int                     // commits that whoever reads the cache would have to parse
	writing    atomic.Bool
	working    sync.WaitGroup
}

// newSavedSpecs uses the cache of a mirror, if there is one. That of another's is only read.
func newSavedSpecs(mirror string, ofAnother bool, log *slog.Logger) *savedSpecs {
	s := &savedSpecs{log: log}
	if mirror == "" {
		return s
	}
	path := filepath.Join(mirror, speccache.Name)
	if !ofAnother {
		s.path = path
		s.temp = filepath.Join(mirror, "objects", "pack", "tmp_specs") // where it is swept
	}
	s.read = sync.OnceValue(func() *speccache.Cache {
		c, err := speccache.Open(path)
		if err != nil {
			log.Debug("everything is to be parsed", "reason", err)
		}
		return c
	})
	return s
}

// readAhead begins to read what was saved, while the server is asked.
func (s *savedSpecs) readAhead() {
	if read := s.read; read != nil {
		s.working.Go(func() { read() })
	}
}

// cache returns what was saved, nil if there is nothing.
func (s *savedSpecs) cache() *speccache.Cache {
	if s.read == nil {
		return nil
	}
	return s.read()
}

// parsed notes that a revision was read, for which so many commits had to be parsed.
func (s *savedSpecs) parsed(commits int) {
	s.read = nil // it is used up
	s.unsaved += commits
}

// idle saves the set if enough of it is not saved, while nothing is new: what follows from a
// new revision does not wait for it.
func (s *savedSpecs) idle(set *spec.Set) {
	if s.unsaved > 0 && s.unsaved*savedShare >= max(set.Files(), set.Len()) {
		s.save(set)
	}
}

// save writes the cache in the background, unless that is under way. It is no more than a
// cache: that this fails costs the next start some time.
func (s *savedSpecs) save(set *spec.Set) {
	if s.path == "" || !s.writing.CompareAndSwap(false, true) {
		return
	}
	s.unsaved = 0
	files := parsedBlobs(set)
	s.working.Go(func() {
		defer s.writing.Store(false)
		if err := speccache.Save(s.path, s.temp, files); err != nil {
			s.log.Warn("the parsed specs could not be saved: the next start will take longer", "error", err)
		}
	})
}

// parsedBlobs returns the files that were parsed from a blob, each blob once. The set may
// change meanwhile.
func parsedBlobs(set *spec.Set) iter.Seq2[speccache.Hash, *spec.File] {
	files := make(map[speccache.Hash]*spec.File, set.Files())
	for name := range set.Names() {
		f := set.File(name)
		if l := specfiles.LeafOf(f.Mark); l.Kind == specfiles.KindSpec && f.Size > 0 { // else it only complains
			files[speccache.Hash(l.Hash)] = f
		}
	}
	return maps.All(files)
}

// lost waits until nothing is written, and notes that the cache goes with its mirror.
func (s *savedSpecs) lost(set *spec.Set) {
	s.working.Wait()
	s.unsaved = set.Files()
}

// close saves what is not saved yet, and waits for it.
func (s *savedSpecs) close(set *spec.Set) {
	s.working.Wait()
	if s.unsaved > 0 {
		s.save(set)
		s.working.Wait()
	}
}
