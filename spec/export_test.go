package spec

// ReparseAll is Reparse with no file and no document too small to be remembered in
// pieces.
func ReparseAll(old *File, name string, data []byte) *File { return reparse(old, name, data, 0, 0) }

// ParseWhole is Parse without any pieces.
func ParseWhole(name string, data []byte) *File { return reparse(nil, name, data, MaxFileSize+1, 0) }

// Pieces counts the pieces that a file is remembered in; 0 if it is not.
func Pieces(f *File) int {
	if f.outline == nil {
		return 0
	}
	return len(f.outline.pieces)
}

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
