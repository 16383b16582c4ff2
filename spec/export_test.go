package spec

// PackTogether makes a new set pack so many files together.
func (s *Set) PackTogether(n int) { s.batch = n }

// PackedFiles counts the files of a set that are packed.
func (s *Set) PackedFiles() (n int) {
	for _, h := range s.files {
		if h.file == nil {
			n++
		}
	}
	return n
}

// OverFiles counts the files that are packed, and that the set has no more.
func (s *Set) OverFiles() (n int) {
	seen := make(map[*bundle]bool)
	for _, h := range s.files {
		if h.in != nil && !seen[h.in] {
			seen[h.in] = true
			n += h.in.all - h.in.left
		}
	}
	return n
}
