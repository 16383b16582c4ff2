package source

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/gofrs/flock"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/gitstore"
)

// takeMirror makes sure that no other process uses the mirror.
func (g *Git) takeMirror() error {
	if g.config.Mirror == "" {
		dir, err := os.MkdirTemp("", "wedatasync-mirror-")
		if err != nil {
			return g.describe(mirrorFault(err))
		}
		g.config.Mirror, g.temp = filepath.Join(dir, "mirror.git"), true
		g.packs = math.MaxInt / 4 // it goes before it grows
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(g.config.Mirror), 0o700); err != nil {
		return g.describe(mirrorFault(err))
	}
	lock := flock.New(g.config.Mirror + ".lock")
	ok, err := lock.TryLock()
	if err != nil {
		return g.describe(mirrorFault(err))
	}
	if !ok {
		return g.describe(&Error{Kind: ErrMirror, Detail: g.config.Mirror + " is in use by another process", Hint: "stop it, or give this one another --state: the mirror is next to it"})
	}
	g.lock = lock
	return g.describe(mirrorFault(removeMirror(g.config.Mirror + ".new"))) // of a killed process
}

// openMirror opens the mirror if that has not been done. It stays nil if there is
// none to use.
func (g *Git) openMirror() error {
	if g.mirror != nil {
		return nil
	}
	var m *mirror
	var err error
	if shared := g.config.Shared; g.temp && shared != "" {
		g.config.Shared = "" // where it has failed once, it is not tried again
		m, err = shareMirror(g.config.Mirror, shared, g.source, g.branch)
	} else {
		m, err = openMirror(g.config.Mirror, g.source, g.branch)
	}
	if errors.Is(err, errNoMirror) {
		g.log.Debug("everything is to be fetched", "source", g.source, "reason", err)
		return nil
	}
	if m != nil && m.partial && g.config.Path == "." {
		g.log.Debug("everything is to be fetched", "source", g.source, "reason", "the mirror has only some of the files")
		return m.close()
	}
	g.mirror = m
	return err
}

// dropMirror removes the mirror: it is only a copy.
func (g *Git) dropMirror() error {
	if g.mirror != nil {
		_ = g.mirror.close() // it was only read
		g.mirror = nil
	}
	g.saved.lost(g.index.Set)
	return mirrorFault(removeMirror(g.config.Mirror))
}

// fetch brings the mirror up to the branch's newest commit, and returns it.
func (g *Git) fetch(ctx context.Context) (head plumbing.Hash, err error) {
	defer recovered(&err)
	if err := g.openMirror(); err != nil {
		return head, err
	}
	anew := g.mirror == nil || g.overgrown()
	timeout := g.config.Timeout
	if anew {
		timeout = g.config.CloneTimeout
	}
	whole := ctx
	ctx, cancel := within(ctx, timeout)
	defer cancel()
	c, err := gitremote.Talk(ctx, g.remote, g.branch)
	if err != nil {
		return head, err
	}
	defer c.Close() // all that counts has been read by then
	if g.mirror == nil || anew && !g.mirror.store.Has(c.Head) {
		return c.Head, g.clone(ctx, c)
	}
	known := g.mirror.store.Has(c.Head)
	if !known {
		err := g.receive(ctx, c, g.mirror)
		if errors.Is(err, gitstore.ErrThin) {
			return g.cloneAgain(whole)
		}
		if err != nil {
			return head, err
		}
	}
	return c.Head, g.arrive(ctx, c.Head)
}

// arrive notes where the branch is.
func (g *Git) arrive(ctx context.Context, head plumbing.Hash) error {
	if err := g.mirror.advance(head); err != nil {
		return mirrorFault(err)
	}
	g.mirror.keepServer(g.remote)
	if g.revision == nil {
		return nil // the first plan comes before
	}
	if err := g.mirror.compact(ctx, g.packs); err != nil {
		g.log.Warn("the mirror could not be compacted", "source", g.source, "error", g.describe(mirrorFault(err)))
	}
	return nil
}

// cloneAgain fetches everything from a server that sends thin packs to who does not ask for
// them: of what we tell it that we have, it leaves out the bases.
func (g *Git) cloneAgain(ctx context.Context) (head plumbing.Hash, err error) {
	g.log.Debug("the server sends a pack that others have to complete: fetching everything", "source", g.source)
	ctx, cancel := within(ctx, g.config.CloneTimeout)
	defer cancel()
	c, err := gitremote.Talk(ctx, g.remote, g.branch)
	if err != nil {
		return head, err
	}
	defer c.Close() // all that counts has been read by then
	return c.Head, g.clone(ctx, c)
}

// overgrown reports whether the mirror has become larger than use makes it: whoever can
// push can take back and push again.
func (g *Git) overgrown() bool { return g.mirror.store.Size() > 2*g.config.MaxPack }

func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("no answer within %v: %w", d, context.DeadlineExceeded))
}

// receive fetches into the mirror what it lacks of the branch.
func (g *Git) receive(ctx context.Context, c *gitremote.Conversation, m *mirror) error {
	var haves []plumbing.Hash
	if !m.head.IsZero() {
		var err error
		if haves, err = m.store.Newest(ctx, m.head, gitremote.MaxHaves); err != nil {
			return err
		}
	}
	pack, err := c.RequestPack(ctx, haves, g.byName.filter(c, m), g.config.MaxPack)
	if err != nil {
		return gitremote.Classify(ctx, err)
	}
	defer pack.Close()
	if err := m.receive(ctx, pack, g.config.MaxPack, c.Head); err != nil {
		return pack.Classify(ctx, err)
	}
	return nil
}

// clone makes the mirror: beside its place first, so that there is a whole one
// or none.
func (g *Git) clone(ctx context.Context, c *gitremote.Conversation) (err error) {
	temp := g.config.Mirror + ".new"
	if err := removeMirror(temp); err != nil {
		return mirrorFault(err)
	}
	m, err := createMirror(temp, g.source, g.branch, g.byName.filters(c))
	if err != nil {
		return mirrorFault(err)
	}
	err = g.receive(ctx, c, m)
	if err == nil {
		m.keepServer(g.remote)
		err = mirrorFault(m.advance(c.Head))
	}
	if err = errors.Join(err, mirrorFault(m.close())); err != nil {
		return errors.Join(err, os.RemoveAll(temp))
	}
	if err := g.dropMirror(); err != nil {
		return err
	}
	if err := os.Rename(temp, g.config.Mirror); err != nil {
		return mirrorFault(err)
	}
	return g.openMirror()
}
