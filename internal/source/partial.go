package source

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/specfiles"
)

// What a server is asked to leave out of packs for a partial mirror. A process that follows
// the branch asks for small files, wherever they are, so that a push takes no request more;
// before that, any number of pushes may have to be caught up with.
const (
	noBlobs    = "blob:none"
	largeBlobs = "blob:limit=16384"
)

// blobsAtOnce is how many files one request asks for by name. Compressed, it is smaller than
// the 1 MiB that web servers take where nobody has configured more.
const blobsAtOnce = 32_768

// maxFailed is after how many requests for single files in a row that a server answers with
// an error of its own it is taken not to give any.
const maxFailed = 3

// errWithheld says that a server does not give what it was asked for by name.
var errWithheld = errors.New("the server does not give single files")

// byName fetches single files into a partial mirror of a source.
type byName struct {
	*Git
	whole  bool // the server does not give them, so that everything is fetched
	failed int  // requests in a row that the server has answered with an error of its own
}

// filters reports whether a mirror that is made now has only the files that are needed: the
// rest may be far more.
func (g *byName) filters(c *gitremote.Conversation) bool {
	return g.config.Path != "." && !g.whole && c.Filters()
}

// filter says what is left out of a pack for the mirror. Where a server does not filter any
// more, it sends more than is needed.
func (g *byName) filter(c *gitremote.Conversation, m *mirror) string {
	switch {
	case !m.partial || !c.Filters():
		return ""
	case g.revision == nil || m.head.IsZero():
		return noBlobs
	default:
		return largeBlobs
	}
}

// snapshotAt finds the source's path in a revision's tree, and its rules. All trees are
// there; the ignore file may have to be fetched.
func (g *byName) snapshotAt(ctx context.Context, tree plumbing.Hash) (specfiles.Snapshot, error) {
	snap, err := specfiles.SnapshotAt(g.mirror.store, tree, g.config.Path)
	missing, ok := errors.AsType[gitstore.Missing](err)
	if !ok || !g.mirror.partial {
		return snap, err
	}
	if err := g.need(ctx, slices.Values([]plumbing.Hash{missing.Hash})); err != nil {
		return snap, err
	}
	return specfiles.SnapshotAt(g.mirror.store, tree, g.config.Path)
}

// need fetches into a partial mirror what it lacks of the blobs. If the server does not give
// them that is an errWithheld, and everything has to be fetched.
func (g *byName) need(ctx context.Context, blobs iter.Seq[plumbing.Hash]) error {
	if !g.mirror.partial {
		return nil
	}
	var missing []plumbing.Hash
	for h := range blobs {
		if !g.mirror.store.Has(h) {
			missing = append(missing, h)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	timeout := g.config.Timeout
	if g.revision == nil {
		timeout = g.config.CloneTimeout
	}
	ctx, cancel := within(ctx, timeout)
	defer cancel()
	g.log.Debug("fetching files by name", "source", g.source, "files", len(missing))
	err := g.fetchBlobs(ctx, missing)
	if err == nil {
		g.failed = 0
		return nil
	}
	fault := gitremote.Classify(ctx, err)
	if fault.Status != 0 {
		g.failed++
	}
	if errors.Is(fault, gitremote.ErrRefused) || errors.Is(fault, gitremote.ErrBadAnswer) || g.failed >= maxFailed {
		return &Error{Kind: fault.Kind, Err: fmt.Errorf("%w: %w", errWithheld, fault)}
	}
	return fault
}

// fetchBlobs fetches blobs by name, at most as many bytes as one pack may have.
func (g *byName) fetchBlobs(ctx context.Context, blobs []plumbing.Hash) error {
	c, err := gitremote.Begin(ctx, g.remote, g.branch)
	if err != nil {
		return err
	}
	defer c.Close() // all that counts has been read by then
	most := g.mirror.store.Size() + g.config.MaxPack
	for batch := range slices.Chunk(blobs, blobsAtOnce) {
		left := most - g.mirror.store.Size()
		pack, err := c.RequestObjects(ctx, batch, left)
		if err != nil {
			return err
		}
		err = g.mirror.receive(ctx, pack, left, batch...)
		if err = errors.Join(err, pack.Close()); err != nil {
			return pack.Classify(ctx, err)
		}
	}
	return nil
}
