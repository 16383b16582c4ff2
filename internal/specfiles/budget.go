package specfiles

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/spec"
)

// The bounds of one revision. A million commits in 100,000 files are well inside; what a
// few kilobytes of a repository can be made to unfold to is not.
const (
	maxFiles      = 250_000   // spec files
	maxEntries    = 2_000_000 // files and folders that are looked at
	maxBytes      = 256 << 20 // of spec files
	maxCommits    = 1_500_000 // commits, and tasks that these depend on
	maxComplaints = 100_000   // about files, and places of tasks that are named more than once
	maxSteps      = 1 << 30   // of matching names with the patterns of the ignore file
)

// How often the context is asked.
const (
	entriesAsked = 1000    // entries of folders
	stepsAsked   = 1 << 20 // steps of matching
)

// Budget is what one revision may cost, from which every step takes its part. What its
// changes take the place of is given back first, so that it does not matter in how many
// steps a source has come to be as it is. It is safe for concurrent use.
type Budget struct {
	ctx   context.Context // of the step that it is for
	known *spec.Set

	mu       sync.Mutex
	over     error       // what ended it
	weight   spec.Weight // of the source as far as it has been read
	files    int
	entries  int
	steps    int
	replaced map[string]struct{} // files of known that are no more
	seed     maphash.Seed
	named    map[uint64]bool // hashes of the tasks that new files name; true: in several places
}

// NewBudget is for a step from what is known to the next revision.
func NewBudget(ctx context.Context, known *spec.Set) *Budget {
	return &Budget{
		ctx: ctx, known: known, weight: known.Weight(), files: known.Files(),
		replaced: make(map[string]struct{}), seed: maphash.MakeSeed(), named: make(map[uint64]bool),
	}
}

// Replace gives back what the file of that name has taken, if there is one.
func (b *Budget) Replace(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known.File(name) == nil {
		return
	}
	if _, done := b.replaced[name]; !done {
		b.replaced[name] = struct{}{}
		b.weight = b.weight.Sub(b.known.WeightOf(name))
		b.files--
	}
}

// Entries takes entries of folders.
func (b *Budget) Entries(n int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.entries
	b.entries += n
	switch {
	case b.over != nil:
	case b.entries > maxEntries:
		b.over = tooMuch("%d files and folders: name a sub-folder as the path", maxEntries)
	case b.entries/entriesAsked != before/entriesAsked:
		b.over = context.Cause(b.ctx)
	}
	return b.over
}

// Steps takes steps of matching names with patterns. That they are too many is for the
// next Entries to say.
func (b *Budget) Steps(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.steps
	b.steps += n
	switch {
	case b.over != nil:
	case b.steps > maxSteps:
		b.over = tooMuch("%d steps to match all names with the patterns of %s: write fewer and simpler patterns, or name a sub-folder as the path", maxSteps, IgnoreFile)
	case b.steps/stepsAsked != before/stepsAsked:
		b.over = context.Cause(b.ctx)
	}
}

// file takes one more file, of which nothing but its size is known.
func (b *Budget) file(name string, size int) error {
	if err := context.Cause(b.ctx); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.weight.Bytes += int64(size)
	b.files++
	return b.check(name)
}

// check says what there is too much of, with the file that was read last.
func (b *Budget) check(name string) error {
	switch {
	case b.files > maxFiles:
		return tooMuch("%d spec files: put several commits into one file, or name a sub-folder as the path", maxFiles)
	case b.weight.Bytes > maxBytes:
		return tooMuch("%d MiB of spec files, up to %s: name a sub-folder as the path, or divide the specs between several sources", maxBytes>>20, shownPath(name))
	case b.weight.Commits > maxCommits:
		return tooMuch("%d commits and dependencies, up to %s: name a sub-folder as the path, or divide the specs between several sources", maxCommits, shownPath(name))
	case b.weight.Complaints > maxComplaints:
		return tooMuch("%d mistakes, up to %s: run wedatasync validate in the folder of this file, and correct them; a task that is named in several places is a mistake in each", maxComplaints, shownPath(name))
	}
	return nil
}

// parsed takes what a file is found to say, whose size was taken before.
func (b *Budget) parsed(f *spec.File, name string) error {
	w := f.Weight()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.weight.Commits += w.Commits
	b.weight.Complaints += w.Complaints
	for k := range f.Keys() {
		b.weight.Complaints += b.again(k)
	}
	return b.check(name)
}

// Join takes what another budget has given, for changes that are all known now.
func (b *Budget) Join(o *Budget, changes []Change) error {
	if len(changes) == 0 {
		return nil
	}
	for _, c := range changes {
		b.Replace(c.Name)
	}
	b.weight = b.weight.Add(o.weight)
	b.files += o.files
	return b.check(changes[len(changes)-1].Name)
}

// again returns how many places have to be complained about because one more names the
// task: it is the first, the second or another one.
func (b *Budget) again(k spec.Key) int {
	var h maphash.Hash
	h.SetSeed(b.seed)
	h.WriteString(k.ProjectID)
	h.WriteByte(0)
	h.WriteString(k.TaskID)
	sum := h.Sum64()
	several, met := b.named[sum]
	if met {
		b.named[sum] = true
		if several {
			return 1
		}
		return 2
	}
	elsewhere, counted := b.known.Elsewhere(k, b.replaced)
	b.named[sum] = elsewhere
	switch {
	case !elsewhere:
		return 0
	case counted:
		return 1
	default:
		return 2
	}
}

// overBudget is what a revision has too much of, and what to do about it.
type overBudget string

// Error says what there is too much of.
func (e overBudget) Error() string { return "it has more than " + string(e) }

// Is reports that it is an ErrTooLarge.
func (overBudget) Is(target error) bool { return target == gitstore.ErrTooLarge }

func tooMuch(format string, args ...any) error { return overBudget(fmt.Sprintf(format, args...)) }

func shownPath(name string) string { return text.OneLine(name, 100) }
