package spec

import (
	"fmt"
	"slices"
)

// listing keeps the first complaints of each severity, and counts the others: a
// repository must not be able to flood a report.
type listing struct{ errors, warnings first }

func (l *listing) add(p Problem) {
	if p.Severity == SeverityError {
		l.errors.add(p)
	} else {
		l.warnings.add(p)
	}
}

// problems returns what was kept, in order of place.
func (l *listing) problems() Problems {
	all := append(l.errors.problems(), l.warnings.problems()...)
	all.Sort()
	return all
}

// first keeps the complaints that come first.
type first struct {
	kept  Problems
	count int
}

// add sorts only now and then, so that many cost little each.
func (f *first) add(p Problem) {
	f.count++
	f.kept = append(f.kept, p)
	if len(f.kept) >= 4*maxListed {
		f.cut()
	}
}

// cut leaves those that are listed, and the one after them.
func (f *first) cut() {
	f.kept.Sort()
	f.kept = slices.Clip(f.kept[:min(len(f.kept), maxListed+1)])
}

func (f *first) problems() Problems {
	f.cut()
	if f.count > maxListed {
		last := &f.kept[maxListed]
		last.More = f.count - len(f.kept)
		last.Code = "more-problems"
		last.Message = fmt.Sprintf("there are %d more %ss from here on: correct the ones before first", f.count-maxListed, last.Severity)
	}
	return f.kept
}
