package gitrepo

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/text"
)

// rules are where git looks for a ref by the end of its name.
var rules = [...]string{"%s", "refs/%s", "refs/tags/%s", "refs/heads/%s", "refs/remotes/%s", "refs/remotes/%s/HEAD"}

// isFull reports whether a name is that of a ref in full: below refs, or such as ORIG_HEAD.
func isFull(name string) bool {
	return strings.HasPrefix(name, "refs/") || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-") == ""
}

// described is a name as git describe makes it.
var described = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^.+-g([0-9a-f]{4,40})$`) })

// Resolve returns the commit that a name stands for: a branch, a tag, the name of a commit
// or its beginning, origin/main, what git describe says, and steps from one, such as HEAD~2
// or v1^{commit}.
func (r *Repository) Resolve(name string) (plumbing.Hash, error) {
	start, steps := cutSteps(name)
	h, err := r.object(start)
	if err == nil {
		h, err = r.peel(h)
	}
	if err == nil {
		h, err = r.walk(h, steps)
	}
	_, said := errors.AsType[*Error](err)
	switch {
	case err == nil, said:
		return h, err
	case errors.Is(err, gitstore.ErrTooLarge), errors.Is(err, gitstore.ErrDamaged) && !errors.Is(err, gitstore.ErrMissing):
		return h, fmt.Errorf("%s: %w", text.OneLine(name, 100), err) // there is such a revision
	default:
		return h, r.noRevision(name, err)
	}
}

// noRevision says that a name stands for no commit that is here.
func (r *Repository) noRevision(name string, err error) *Error {
	e := &Error{Kind: ErrNoRevision, Detail: text.OneLine(name, 100), Err: err, Hint: "check its name, or fetch it"}
	if errors.Is(err, errNoRef) {
		e.Err = nil // the kind says it
	}
	switch lacks := r.lacks(); {
	case errors.Is(err, gitstore.ErrMissing) && lacks != "":
		e.Hint = lacks
	case lacks != "":
		e.Hint += "; " + lacks
	}
	return e
}

// object returns the object that a name without steps stands for.
func (r *Repository) object(name string) (plumbing.Hash, error) {
	if name == "@" {
		name = "HEAD"
	}
	if plumbing.IsHash(name) && len(name) == 2*gitstore.HashSize {
		return plumbing.NewHash(name), nil
	}
	if !isRefName(name) {
		return plumbing.ZeroHash, errors.New("it is no branch, tag or commit")
	}
	if name == "HEAD" {
		h, err := r.at.lookup(name)
		if errors.Is(err, errNoRef) {
			err = errors.New("the branch that is checked out has no commit yet")
		}
		return h, err
	}
	h, err := r.byRules(name)
	if !errors.Is(err, errNoRef) {
		return h, err
	}
	digits := name
	if m := described().FindStringSubmatch(name); m != nil {
		digits = m[1]
	}
	return r.abbreviated(strings.ToLower(digits), err)
}

// byRules returns the object of the one ref whose name ends so. It is an error if several
// do that stand for different commits: git would take the first.
func (r *Repository) byRules(name string) (plumbing.Hash, error) {
	var first string
	var found plumbing.Hash
	for _, rule := range rules {
		full := fmt.Sprintf(rule, name)
		if !isFull(full) {
			continue
		}
		h, err := r.at.lookup(full)
		switch {
		case errors.Is(err, errNoRef):
		case err != nil:
			return h, fmt.Errorf("%s: %w", full, err)
		case first == "":
			first, found = full, h
		case !r.same(found, h):
			return h, &Error{
				Kind: ErrAmbiguous, Detail: text.OneLine(name, 100) + " is both " + text.OneLine(first, 100) + " and " + text.OneLine(full, 100),
				Hint: "name one of them in full",
			}
		}
	}
	if first == "" {
		return found, errNoRef
	}
	return found, nil
}

// same reports whether two objects stand for one commit.
func (r *Repository) same(a, b plumbing.Hash) bool {
	if a == b {
		return true
	}
	left, err := r.peel(a)
	if err != nil {
		return false
	}
	right, err := r.peel(b)
	return err == nil && left == right
}

// abbreviated returns the one commit, or tag of one, whose name begins with the digits.
func (r *Repository) abbreviated(digits string, otherwise error) (plumbing.Hash, error) {
	const least = 4 // digits, as for git
	if len(digits) < least || len(digits) > 2*gitstore.HashSize || strings.Trim(digits, "0123456789abcdef") != "" {
		return plumbing.ZeroHash, otherwise
	}
	names, err := r.Store.Abbreviated(digits)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	var found []plumbing.Hash
	for _, h := range names {
		if _, err := r.peel(h); err == nil {
			found = append(found, h)
		}
	}
	switch len(found) {
	case 0:
		return plumbing.ZeroHash, otherwise
	case 1:
		return found[0], nil
	default:
		return plumbing.ZeroHash, &Error{Kind: ErrAmbiguous, Detail: fmt.Sprintf("%d commits begin with %s", len(found), digits), Hint: "write more of it"}
	}
}

// cutSteps cuts the steps, such as ~2, ^ or ^{commit}, from the end of a name.
func cutSteps(name string) (start, steps string) {
	if i := strings.IndexAny(name, "~^"); i > 0 {
		return name[:i], name[i:]
	}
	return name, ""
}

var step = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:\^\{(?:commit|)\}|([~^])([0-9]*))`) })

// walk follows steps from a commit: ~N is N times the first parent, ^N once the N-th, and
// ^{commit} none.
func (r *Repository) walk(h plumbing.Hash, steps string) (plumbing.Hash, error) {
	for steps != "" {
		m := step().FindStringSubmatch(steps)
		if m == nil {
			return h, fmt.Errorf("%s is not understood here", text.OneLine(steps, 40))
		}
		steps = steps[len(m[0]):]
		n := 1
		if m[2] != "" {
			var err error
			if n, err = strconv.Atoi(m[2]); err != nil {
				return h, err
			}
		}
		parent, times := n, 1
		if m[1] == "~" {
			parent, times = 1, n
		}
		if m[1] == "" || parent == 0 {
			continue
		}
		for range times {
			c, err := r.Store.Commit(h)
			if err != nil {
				return h, err
			}
			if parent > len(c.ParentHashes) {
				return h, fmt.Errorf("%s has %d parents", h, len(c.ParentHashes))
			}
			h = c.ParentHashes[parent-1]
		}
	}
	return h, nil
}

// peel follows tags to the commit.
func (r *Repository) peel(h plumbing.Hash) (plumbing.Hash, error) {
	const most = 8
	for range most {
		o, err := r.Store.Object(h, gitstore.MaxCommit)
		switch {
		case err != nil:
			return plumbing.ZeroHash, fmt.Errorf("read %s: %w", h, err)
		case o.Kind == plumbing.CommitObject:
			return h, nil
		case o.Kind != plumbing.TagObject:
			return plumbing.ZeroHash, fmt.Errorf("%s is a %s, not a commit", h, o.Kind)
		}
		line, _, _ := bytes.Cut(o.Data, []byte("\n"))
		target, ok := bytes.CutPrefix(line, []byte("object "))
		if !ok || !plumbing.IsHash(string(target)) {
			return plumbing.ZeroHash, fmt.Errorf("read tag %s: %w", h, gitstore.ErrDamaged)
		}
		h = plumbing.NewHash(string(target))
	}
	return plumbing.ZeroHash, errors.New("a tag of a tag of a tag")
}
