package specfiles

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"golang.org/x/sync/semaphore"

	"github.com/wedatasync/wedatasync/internal/speccache"
	"github.com/wedatasync/wedatasync/spec"
)

// largeFile is from how many bytes on the parser of a file is not waited for when the
// step ends: it can take seconds, and cannot be stopped.
const largeFile = 64 << 10

// Parser makes files of what was read, within a budget. It is safe for concurrent use.
type Parser struct {
	ctx    context.Context
	cache  *speccache.Cache // nil: there is none
	budget *Budget
	twins  *twins
	large  *semaphore.Weighted // bytes that are parsed at once: memory is many times that
	parsed atomic.Int64        // commits
}

// NewParser makes a parser of files that come one by one.
func NewParser(ctx context.Context, b *Budget) *Parser {
	return &Parser{
		ctx: ctx, budget: b, large: semaphore.NewWeighted(spec.MaxFileSize),
		twins: &twins{all: true, known: make(map[plumbing.Hash]*twin)},
	}
}

// File takes a file from the budget, and parses it.
func (p *Parser) File(name string, hash plumbing.Hash, data []byte) (*spec.File, error) {
	if err := p.budget.file(name, len(data)); err != nil {
		return nil, err
	}
	file, err := p.parse(name, hash, data)
	if err != nil {
		return nil, err
	}
	if err := p.budget.parsed(file, name); err != nil {
		return nil, err
	}
	if file.Name != name {
		file = file.As(name)
	}
	return file, nil
}

// Take takes a file from the budget that is not to be parsed.
func (p *Parser) Take(f *spec.File) (*spec.File, error) {
	err := p.budget.file(f.Name, f.Size)
	if err == nil {
		err = p.budget.parsed(f, f.Name)
	}
	return f, err
}

// parse parses a content, unless it was parsed under another name.
func (p *Parser) parse(name string, hash plumbing.Hash, data []byte) (file *spec.File, err error) {
	t := p.twins.of(hash)
	if t == nil {
		return p.text(name, data)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file == nil {
		t.file, err = p.text(name, data)
	}
	return t.file, err
}

// text parses a text.
func (p *Parser) text(name string, data []byte) (*spec.File, error) {
	if err := p.large.Acquire(p.ctx, int64(len(data))); err != nil {
		return nil, context.Cause(p.ctx)
	}
	if len(data) < largeFile {
		defer p.large.Release(int64(len(data)))
		return p.counted(parseSpec(name, data)), nil
	}
	parsed := make(chan *spec.File, 1)
	go func() {
		defer p.large.Release(int64(len(data)))
		parsed <- parseSpec(name, data)
	}()
	select {
	case file := <-parsed:
		return p.counted(file), nil
	case <-p.ctx.Done():
		return nil, context.Cause(p.ctx)
	}
}

func (p *Parser) counted(f *spec.File) *spec.File {
	p.parsed.Add(int64(len(f.Commits) + len(f.Broken)))
	return f
}

// parseSpec parses a file. That one file breaks the parser must not stop the others.
func parseSpec(name string, data []byte) (file *spec.File) {
	defer func() {
		if r := recover(); r != nil {
			file = spec.BadFile(name, "parser", fmt.Sprintf("the parser broke on this file: %v: please report it", r))
		}
	}()
	return spec.Parse(name, data)
}

// twins are contents that several names have. They are parsed once.
type twins struct {
	mu    sync.Mutex
	known map[plumbing.Hash]*twin
	all   bool // it is not known which have several names: any may
}

type twin struct {
	mu   sync.Mutex
	file *spec.File // nil until it is parsed
}

// twinsOf finds the contents that several changes have.
func twinsOf(changes []Change) *twins {
	t := &twins{known: make(map[plumbing.Hash]*twin)}
	seen := make(map[plumbing.Hash]struct{}, len(changes))
	for _, c := range changes {
		if c.Kind != KindSpec {
			continue
		}
		if _, twice := seen[c.Hash]; twice && t.known[c.Hash] == nil {
			t.known[c.Hash] = new(twin)
		}
		seen[c.Hash] = struct{}{}
	}
	return t
}

// of returns where a content is parsed that several names have; nil if one has.
func (t *twins) of(h plumbing.Hash) *twin {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all && t.known[h] == nil {
		t.known[h] = new(twin)
	}
	return t.known[h]
}
