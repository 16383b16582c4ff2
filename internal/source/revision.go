package source

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/text"
)

// Resolve returns the commit that a name stands for: a branch, a tag, a hash or
// its beginning, origin/main, HEAD~2.
func (r *Repository) Resolve(name string) (commit string, err error) {
	h, err := r.resolve(name)
	return h.String(), r.describe(err)
}

func (r *Repository) resolve(name string) (h plumbing.Hash, err error) {
	defer recovered(&err)
	if start, steps, ok := cutSteps(name); ok {
		if h, err = r.resolve(start); err != nil {
			return h, err
		}
		return r.walk(h, steps, name)
	}
	if plumbing.IsHash(name) {
		return r.peel(plumbing.NewHash(name))
	}
	for _, rule := range plumbing.RefRevParseRules {
		ref, err := r.repo.Reference(plumbing.ReferenceName(fmt.Sprintf(rule, name)), true)
		if err == nil {
			return r.peel(ref.Hash())
		}
	}
	if strings.Contains(name, ":") {
		return plumbing.ZeroHash, noRevision(name, errors.New("it names no commit"))
	}
	found, err := r.repo.ResolveRevision(plumbing.Revision(name)) // the rest of what git can say
	if err != nil {
		return plumbing.ZeroHash, noRevision(name, err)
	}
	return r.peel(*found)
}

func noRevision(name string, err error) *Error {
	return &Error{
		Kind: ErrNoRevision, Detail: text.OneLine(name, 100), Err: err,
		Hint: "fetch it, or check its name; in CI, check out with full history",
	}
}

// cutSteps cuts the steps, such as ~2 or ^, from the end of a name.
func cutSteps(name string) (start, steps string, ok bool) {
	i := strings.IndexAny(name, "~^")
	if i <= 0 || strings.Trim(name[i:], "~^0123456789") != "" {
		return "", "", false
	}
	return name[:i], name[i:], true
}

// walk follows steps from a commit: ~N is N times the first parent, ^N once the
// N-th.
func (r *Repository) walk(h plumbing.Hash, steps, name string) (plumbing.Hash, error) {
	for steps != "" {
		step := steps[0]
		digits := len(steps[1:]) - len(strings.TrimLeft(steps[1:], "0123456789"))
		n := 1
		if digits > 0 {
			var err error
			if n, err = strconv.Atoi(steps[1 : 1+digits]); err != nil {
				return h, noRevision(name, err)
			}
		}
		steps = steps[1+digits:]
		parent, times := n, 1
		if step == '~' {
			parent, times = 1, n
		}
		for range times {
			c, err := r.store.Commit(h)
			switch {
			case err != nil:
				return h, err
			case parent == 0:
			case parent > len(c.ParentHashes):
				return h, noRevision(name, fmt.Errorf("%s has %d parents", h, len(c.ParentHashes)))
			default:
				h = c.ParentHashes[parent-1]
			}
		}
	}
	return h, nil
}

// peel follows tags to the commit.
func (r *Repository) peel(h plumbing.Hash) (plumbing.Hash, error) {
	const most = 8
	for range most {
		o, err := r.store.Object(h, gitstore.MaxCommit)
		switch {
		case err != nil:
			return plumbing.ZeroHash, fmt.Errorf("read %s: %w", h, err)
		case o.Kind == plumbing.CommitObject:
			return h, nil
		case o.Kind != plumbing.TagObject:
			return plumbing.ZeroHash, &Error{Kind: ErrNoRevision, Detail: fmt.Sprintf("%s is a %s, not a commit", h, o.Kind)}
		}
		line, _, _ := bytes.Cut(o.Data, []byte("\n"))
		target, ok := bytes.CutPrefix(line, []byte("object "))
		if !ok || !plumbing.IsHash(string(target)) {
			return plumbing.ZeroHash, fmt.Errorf("read tag %s: %w", h, gitstore.ErrDamaged)
		}
		h = plumbing.NewHash(string(target))
	}
	return plumbing.ZeroHash, &Error{Kind: ErrNoRevision, Detail: "a tag of a tag of a tag", Hint: "name the commit"}
}
