package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wedatasync/wedatasync/internal/secret"
)

// copied begins the names of what is a copy of the repository, and has what that has.
const copied = "the repository's copy "

// look takes in all that the program keeps.
func (p *planted) look() {
	p.must(filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		name := filepath.ToSlash(strings.TrimPrefix(path, p.dir))
		switch {
		case err != nil || !strings.Contains(name, ".db"):
			return err
		case d.IsDir() && d.Name() == "objects":
			return filepath.SkipDir
		case d.IsDir(), d.Type() == fs.ModeSocket:
			return nil
		}
		where := "the file "
		if strings.Contains(name, ".db.git/") {
			where = copied
		}
		data, err := os.ReadFile(path)
		p.left(where+name, data)
		return err
	}))
}

// search looks for every secret in every form.
func (p *planted) search() {
	bytesSeen, formsSought := 0, 0
	for _, data := range p.out {
		bytesSeen += data.Len()
	}
	for name, s := range p.secrets {
		for _, form := range secret.Forms(s) {
			formsSought++
			for where, data := range p.out {
				if strings.HasPrefix(where, copied) && strings.HasSuffix(name, "extConfig value") {
					continue
				}
				if at := bytes.Index(data.Bytes(), []byte(form)); at >= 0 {
					text := data.Bytes()
					p.t.Errorf("the %s is in %s as %q: ...%q", name, where, form, text[max(at-150, 0):min(at+len(form)+50, len(text))])
				}
			}
		}
	}
	if len(p.secrets) < 25 || len(p.out) < 80 || p.out["what the chats are told"] == nil || p.out["what the forge is told"] == nil {
		p.t.Errorf("%d secrets and %d places: is the test looking at them?", len(p.secrets), len(p.out))
	}
	p.t.Logf("%d secrets in %d forms are in none of %d places (%d bytes)", len(p.secrets), formsSought, len(p.out), bytesSeen)
}
