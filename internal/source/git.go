package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
	"github.com/gofrs/flock"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/source/signature"
	"github.com/wedatasync/wedatasync/internal/specfiles"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
)

// Git reads specs from one branch of a git repository. It keeps a bare mirror
// with full history and no worktree; a poll costs one round trip when nothing is
// new, and otherwise what has changed.
type Git struct {
	config GitConfig
	source string // the URL, redacted
	branch plumbing.ReferenceName
	remote gitremote.Remote
	trust  *verifier
	expiry atomic.Pointer[signature.Expiry]
	next   atomic.Pointer[reach] // takes the place of remote and trust at the next poll; nil: none does
	log    *slog.Logger
	lock   *flock.Flock
	temp   bool // the mirror goes with the source
	packs  int  // how many packs the mirror may have before it is compacted

	saved    *savedSpecs
	byName   *byName
	mirror   *mirror       // nil until the first poll
	broken   plumbing.Hash // a commit that was damaged when it had just been fetched
	large    plumbing.Hash // a commit that is too large, which is found once
	tooLarge error         // why
	index    *specfiles.Index
	snapshot specfiles.Snapshot
	revision *reconcile.Revision
}

var _ reconcile.Source = (*Git)(nil)

// OpenGit checks the configuration and takes the mirror for itself. It does not
// connect: the first Poll does.
func OpenGit(c GitConfig) (*Git, error) {
	c.Timeout = cmp.Or(c.Timeout, time.Minute)
	c.CloneTimeout = cmp.Or(c.CloneTimeout, 10*time.Minute)
	c.MaxPack = cmp.Or(c.MaxPack, 1<<30)
	g := &Git{config: c, source: gitremote.Redact(c.URL), log: c.Logger, packs: maxPacks, index: specfiles.NewIndex()}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if g.branch, err = branchRef(c.Branch); err != nil {
		return nil, fmt.Errorf("open source %s: %w", g.source, err)
	}
	if g.config.Path, err = specfiles.CleanPath(c.Path); err != nil {
		return nil, fmt.Errorf("open source %s: %w", g.source, err)
	}
	if g.remote, err = g.config.remote(g.log); err != nil {
		return nil, fmt.Errorf("open source %s: %w", g.source, err)
	}
	if g.trust, err = newVerifier(&c, g.log); err != nil {
		return nil, fmt.Errorf("open source %s: %w", g.source, err)
	}
	g.Trust(c.Trusted)
	if err := g.takeMirror(); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	kept := g.config.Mirror
	if g.temp {
		kept = g.config.Shared
	}
	if _, _, err := readMarked(kept, g.source, g.branch); err == nil {
		gitremote.Remember(g.remote, savedServer(kept))
	}
	g.saved = newSavedSpecs(kept, g.temp, g.log)
	g.byName = &byName{Git: g}
	return g, nil
}

// Poll returns the branch's newest commit with its specs. The Set stays the same
// one from poll to poll. After an error it is as it was. With ErrUnverified comes the
// last commit that was verified, if it still is by the keys of now.
func (g *Git) Poll(ctx context.Context) (*reconcile.Revision, error) {
	g.reconnect()
	revision, err := g.poll(ctx)
	for try := 0; g.anew(err, try); try++ {
		if err := g.dropMirror(); err != nil {
			return nil, g.describe(err)
		}
		revision, err = g.poll(ctx)
	}
	if errors.Is(err, gitstore.ErrDamaged) && g.mirror != nil {
		g.broken = g.mirror.head
	}
	return revision, g.describe(err)
}

// anew reports whether to fetch everything again after an error: what the server said is not
// in the mirror, or it is not to be had in parts.
func (g *Git) anew(err error, try int) bool {
	partial := g.mirror != nil && g.mirror.partial
	switch {
	case partial && try < 2 && (errors.Is(err, errWithheld) || try == 1 && errors.Is(err, gitstore.ErrDamaged)):
		g.byName.whole = true
		g.log.Warn("the server does not give single files: fetching everything", "source", g.source, "error", err)
	case try == 0 && errors.Is(err, gitstore.ErrDamaged):
		g.log.Warn("the mirror is damaged: fetching everything again", "source", g.source, "error", err)
	default:
		return false
	}
	return true
}

func (g *Git) poll(ctx context.Context) (*reconcile.Revision, error) {
	g.saved.readAhead()
	head, err := g.fetch(ctx)
	if err != nil {
		return nil, err
	}
	err = g.trust.check(ctx, g.mirror.store, head)
	if g.trust.keys != nil {
		g.expiry.Store(new(g.trust.keys.NextExpiry(time.Now())))
	}
	switch {
	case err == nil:
		return g.take(ctx, head)
	case errors.Is(err, ErrUnverified):
		return g.unverifiedHead(ctx, head, err)
	default:
		return nil, err
	}
}

// take makes a verified commit the revision.
func (g *Git) take(ctx context.Context, head plumbing.Hash) (*reconcile.Revision, error) {
	switch {
	case g.revision != nil && g.revision.ID == head.String():
		g.revision.Verified = g.trust.mark.String()
		g.saved.idle(g.index.Set)
		return g.revision, nil
	case head == g.large:
		return nil, g.tooLarge
	case head == g.broken:
		return nil, &Error{Kind: gitremote.ErrBadAnswer, Detail: fmt.Sprintf("commit %s is damaged", head), Hint: "run git fsck in the repository itself"}
	}
	next, err := g.load(ctx, head)
	if errors.Is(err, gitstore.ErrTooLarge) {
		g.large, g.tooLarge = head, err
	}
	if err != nil {
		return nil, err
	}
	g.index.Apply(next.changes, next.parsed.Files)
	g.snapshot = next.snapshot
	g.revision = revisionOf(next.commit, g.index.Set)
	g.revision.Verified = g.trust.mark.String()
	g.mirror.store.Evict()
	g.saved.parsed(next.parsed.Commits)
	return g.revision, nil
}

// step is the way from one revision to the next.
type step struct {
	commit   *gitobject.Commit
	snapshot specfiles.Snapshot
	changes  []specfiles.Change
	parsed   specfiles.Parsed
}

// load reads what is new in a commit. It does all of a poll that can fail.
func (g *Git) load(ctx context.Context, head plumbing.Hash) (next step, err error) {
	defer recovered(&err)
	s := g.mirror.store
	if next.commit, err = s.Commit(head); err != nil {
		return next, err
	}
	if next.snapshot, err = g.byName.snapshotAt(ctx, next.commit.TreeHash); err != nil {
		return next, err
	}
	b := specfiles.NewBudget(ctx, g.index.Set)
	if next.changes, err = g.index.Changes(s, g.snapshot, next.snapshot, g.config.Path, b); err != nil {
		return next, err
	}
	if err = g.byName.need(ctx, specfiles.Blobs(next.changes)); err != nil {
		return next, err
	}
	next.parsed, err = specfiles.ParseFiles(s, next.changes, g.saved.cache(), b)
	return next, err
}

// revisionOf describes a commit. Its texts are bounded, and can be shown.
func revisionOf(c *gitobject.Commit, set *spec.Set) *reconcile.Revision {
	subject, _, _ := strings.Cut(strings.TrimSpace(c.Message), "\n")
	return &reconcile.Revision{
		ID:        c.Hash.String(),
		Author:    authorOf(c),
		Committer: nameOf(&c.Committer),
		Subject:   text.OneLine(subject, maxText),
		When:      c.Committer.When,
		Specs:     set,
	}
}

func authorOf(c *gitobject.Commit) string { return nameOf(&c.Author) }

func nameOf(s *gitobject.Signature) string {
	return text.OneLine(fmt.Sprintf("%s <%s>", s.Name, s.Email), maxText)
}

// maxText bounds the texts of a Revision, in bytes.
const maxText = 256

// KeyExpiry says which of the keys that may sign ends next, as of the last poll. It may be
// called from any goroutine.
func (g *Git) KeyExpiry() signature.Expiry {
	if e := g.expiry.Load(); e != nil {
		return *e
	}
	return signature.Expiry{}
}

// Trust implements [reconcile.Truster].
func (g *Git) Trust(commits []string) {
	g.trust.trusted = make(map[plumbing.Hash]bool, len(commits))
	for _, c := range commits {
		g.trust.trusted[plumbing.NewHash(c)] = true
	}
}

// Close saves what was parsed, and closes the mirror. A temporary mirror is removed.
func (g *Git) Close() error {
	var errs []error
	if g.saved != nil {
		g.saved.close(g.index.Set)
	}
	if g.mirror != nil {
		errs = append(errs, g.mirror.close())
	}
	if g.lock != nil {
		errs = append(errs, g.lock.Unlock())
	}
	g.remote.CloseIdle()
	if g.temp {
		errs = append(errs, os.RemoveAll(filepath.Dir(g.config.Mirror)))
	}
	return errors.Join(errs...)
}

// describe makes an *Error of any error, without secrets.
func (g *Git) describe(err error) error {
	if err == nil {
		return nil
	}
	e := describe(err, g.source)
	if e.Err != nil {
		e.Err = gitremote.Scrub(e.Err, g.remote.Secrets())
	}
	return e
}

// recovered makes an error of a panic: go-git has met repositories that made it
// panic before.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("reading the repository broke: %v", r)
	}
}

// Head asks the server which commit the branch is at, in one round trip. It fetches
// nothing.
func (g *Git) Head(ctx context.Context) (string, error) {
	id, err := g.ask(ctx)
	return id, g.describe(err)
}

func (g *Git) ask(ctx context.Context) (_ string, err error) {
	defer recovered(&err)
	ctx, cancel := within(ctx, g.config.Timeout)
	defer cancel()
	c, err := gitremote.Talk(ctx, g.remote, g.branch)
	if err != nil {
		return "", err
	}
	_ = c.Close() // all that counts has been read
	return c.Head.String(), nil
}

// reach is how the repository's server is reached, and whose commits count.
type reach struct {
	remote gitremote.Remote
	trust  *verifier
}

// Reload checks how else the repository's server is to be reached, by the user name
// and the files with credentials in c, and whose signatures are to count. It returns
// what makes it so from the next poll on. After an error it stays as it is. It may be
// called from any goroutine.
func (g *Git) Reload(c GitConfig) (swap func(), err error) {
	c.URL = g.config.URL
	next := &Git{config: c, source: g.source, branch: g.branch, log: g.log}
	if next.remote, err = c.remote(g.log); err != nil {
		return nil, fmt.Errorf("open source %s: %w", g.source, err)
	}
	if next.trust, err = newVerifier(&c, g.log); err != nil {
		return nil, fmt.Errorf("open source %s: %w", g.source, err)
	}
	if err := next.remote.Check(); err != nil {
		return nil, next.describe(err)
	}
	return func() { g.next.Store(&reach{next.remote, next.trust}) }, nil
}

// reconnect does what the last Reload asks for.
func (g *Git) reconnect() {
	next := g.next.Swap(nil)
	if next == nil {
		return
	}
	g.remote.CloseIdle()
	next.trust.mark, next.trust.trusted = g.trust.mark, g.trust.trusted // what counts still does
	g.remote, g.trust = next.remote, next.trust
}
