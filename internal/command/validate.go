package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/source"
	"github.com/wedatasync/wedatasync/spec"
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

// Input is a spec file that is read from a stream, as editors give one that is not saved.
type Input struct {
	Name string // what it is called in complaints
	From io.Reader
}

// Validate checks the specs in folders and files, all of them together; the path - is the
// input. Problems are at the paths as they were given. Whether a task that another one
// depends on has a spec is only checked where a folder was given: a file is not all there
// is.
func Validate(ctx context.Context, paths []string, input Input) (report.Validation, error) {
	set, folders := spec.NewSet(), 0
	for _, p := range paths {
		name, data, err := readFile(p, input)
		if err == nil && name != "" {
			set.Put(spec.Parse(filepath.ToSlash(name), data))
			continue
		}
		if err != nil && (len(paths) > 1 || p == Stdin) {
			return report.Validation{}, fmt.Errorf("read specs: %w: check that it exists and may be read", err)
		}
		folders++
		found, err := ReadSpecs(ctx, p)
		if err != nil {
			return report.Validation{}, err
		}
		if len(paths) == 1 {
			return report.Validation{Files: found.Files(), Specs: found.Len(), Problems: problemsAt(p, found)}, nil
		}
		for name := range found.Names() {
			set.Put(found.File(name).As(filepath.ToSlash(filepath.Join(p, name))))
		}
	}
	v := report.Validation{Files: set.Files(), Specs: set.Len(), Problems: slices.Clone(set.Problems())}
	if folders == 0 {
		v.Problems = slices.DeleteFunc(v.Problems, func(p spec.Problem) bool { return p.Code == spec.CodeUnknownDependency })
	}
	return v, nil
}

// readFile reads a file, or the input. The name is empty if the path is a folder.
func readFile(path string, input Input) (name string, data []byte, err error) {
	if path == Stdin {
		// A byte more than a spec may have: the parser complains of it.
		data, err = io.ReadAll(io.LimitReader(input.From, spec.MaxFileSize+1))
		return input.Name, data, err
	}
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return "", nil, err
	}
	data, err = file.Read("", path, spec.MaxFileSize)
	return filepath.Join(filepath.Dir(path), filepath.Base(path)), data, err
}

// problemsAt returns the problems of the specs in a folder, as who is outside of it would
// open the files.
func problemsAt(dir string, specs *spec.Set) spec.Problems {
	problems := slices.Clone(specs.Problems())
	for i := range problems {
		problems[i].File = filepath.ToSlash(filepath.Join(dir, problems[i].File))
	}
	return problems
}

// Places returns where files are in the repositories that they are in, by their paths from
// the current folder, as remarks beside their lines need it. A file in none stays as it is.
func Places() report.Place {
	folders := map[string]string{}
	return func(file string) string {
		dir := filepath.Dir(file)
		place, known := folders[dir]
		if !known {
			place = inRepository(dir)
			folders[dir] = place
		}
		return filepath.ToSlash(filepath.Join(place, filepath.Base(file)))
	}
}

// PlacesBelow is [Places] of files whose paths are from a folder.
func PlacesBelow(dir string) report.Place {
	place := Places()
	return func(file string) string { return place(filepath.Join(dir, file)) }
}

// inRepository returns the path of the folder from the root of its repository, or the
// folder as it is if it is in none.
func inRepository(dir string) string {
	repo, err := source.OpenRepository(dir)
	if err != nil {
		return dir
	}
	if prefix := repo.Prefix(); repo.Close() == nil && filepath.IsLocal(prefix) {
		return prefix
	}
	return dir
}
