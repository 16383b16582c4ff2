package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/gitrepo"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/speccache"
)

// markerFile says that a folder is a mirror of ours, and of what. A folder
// without it is never removed.
const markerFile = "wedatasync-mirror.json"

// serverFile has what the server last said of itself, so that the next process need not ask.
const serverFile = "wedatasync-server.json"

// keepServer writes what is known of the server, if that has changed. It is no more than a
// cache: without it the next process asks once more.
func (m *mirror) keepServer(r gitremote.Remote) {
	known := gitremote.Remembered(r)
	if bytes.Equal(known, m.server) {
		return
	}
	m.server = known
	if path := filepath.Join(m.dir, serverFile); known == nil {
		_ = os.Remove(path)
	} else {
		_ = os.WriteFile(path, known, 0o600)
	}
}

// savedServer returns what a mirror knows of its server, nil if that is nothing.
func savedServer(dir string) []byte {
	const most = 1 << 10
	known, _ := file.Read("mirror", filepath.Join(dir, serverFile), most)
	return known
}

// marker is what the marker file holds.
type marker struct {
	Format int    `json:"format"` // wholeMirror or partialMirror
	Source string `json:"source"` // without userinfo
}

// The formats of a mirror. A version of the program that does not know one of them makes the
// mirror anew.
const (
	wholeMirror   = 1
	partialMirror = 2 // of blobs it has those that were asked for
)

// errNoMirror says that there is no mirror to use, but may be made.
var errNoMirror = errors.New("no mirror")

// mirror is a copy of a repository: bare, with full history, no more than a cache.
// It is thrown away rather than mended, so nothing in it is synced to disk.
type mirror struct {
	dir   string
	store *gitstore.Store
	ref   plumbing.ReferenceName // the branch
	head  plumbing.Hash          // where the branch was when it was last fetched

	// partial says that it has all commits and trees, and of the blobs those that somebody
	// has needed. It is so from its beginning, whatever the path: others are fetched by name.
	partial bool

	server  []byte   // what serverFile has
	joining *joining // packs that are being joined; nil: none are
	spared  int      // how many more packs it may have, since joining them has failed
}

// shareMirror makes a mirror in a folder that must not exist, which has the objects of
// another one, too. Whoever owns that may write to it, and replace it: what is gone by then
// counts as damage, after which a mirror is made without it.
func shareMirror(dir, other, source string, ref plumbing.ReferenceName) (*mirror, error) {
	head, partial, err := readMarked(other, source, ref)
	if err != nil {
		return nil, err
	}
	m, err := createMirror(dir, source, ref, partial)
	if err != nil {
		return nil, err
	}
	s, err := gitstore.Open(true, filepath.Join(dir, "objects"), filepath.Join(other, "objects"))
	if err = errors.Join(err, m.close()); err != nil {
		return nil, err
	}
	m.store, m.head = s, head
	return m, nil
}

// openMirror opens the mirror of the source in the folder. errNoMirror says that
// there is none, or a damaged one, or that of another source; and why.
func openMirror(dir, source string, ref plumbing.ReferenceName) (*mirror, error) {
	head, partial, err := readMarked(dir, source, ref)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, vacant(dir)
	}
	if err != nil {
		return nil, err
	}
	if err := sweep(dir); err != nil {
		return nil, err
	}
	s, err := gitstore.Open(false, filepath.Join(dir, "objects"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoMirror, err)
	}
	return &mirror{dir: dir, store: s, ref: ref, head: head, partial: partial, server: savedServer(dir)}, nil
}

// readMarked makes sure that the folder is a mirror of the source, and returns where its
// branch is, zero if it has none, and whether it is partial. All its errors are errNoMirror.
func readMarked(dir, source string, ref plumbing.ReferenceName) (head plumbing.Hash, partial bool, err error) {
	data, err := os.ReadFile(filepath.Join(dir, markerFile))
	var m marker
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	switch {
	case err != nil:
		return head, false, fmt.Errorf("%w: %w", errNoMirror, err)
	case m.Format != wholeMirror && m.Format != partialMirror || m.Source != source:
		return head, false, fmt.Errorf("%w: the one there is of %s, in format %d", errNoMirror, m.Source, m.Format)
	}
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(ref.String())))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return head, false, fmt.Errorf("%w: %w", errNoMirror, err)
	}
	return plumbing.NewHash(strings.TrimSpace(string(text))), m.Format == partialMirror, nil
}

// mirrorFault is an error of the mirror's disk.
func mirrorFault(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return &Error{Kind: ErrMirror, Err: err, Hint: "check the folder, its permissions and the space left"}
}

// vacant returns errNoMirror if a mirror may be made in the folder: if it is
// missing or empty, or what is left of a mirror of ours.
func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	if isRest(entries) {
		return fmt.Errorf("%w: the one there has lost %s", errNoMirror, markerFile)
	}
	if len(entries) > 0 {
		return &Error{Kind: ErrMirror, Detail: dir, Hint: "it holds something else: move that away, or set another --state: the mirror is next to it"}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &Error{Kind: ErrMirror, Err: err}
	}
	return errNoMirror
}

// isRest reports whether a folder has something of a mirror of ours, and nothing else: it is
// ours by its place. A repository that git has made has more.
func isRest(entries []fs.DirEntry) bool {
	ours := []string{"HEAD", "config", "objects", "refs", serverFile, speccache.Name}
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "objects" }) &&
		!slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !slices.Contains(ours, e.Name()) })
}

// sweep removes what a killed process has left behind.
func sweep(dir string) error {
	packs := filepath.Join(dir, "objects", "pack")
	entries, err := os.ReadDir(packs)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	names := map[string]bool{}
	for _, e := range entries {
		names[e.Name()] = true
	}
	for _, e := range entries {
		pack, isPack := strings.CutSuffix(e.Name(), ".pack")
		if strings.HasPrefix(e.Name(), "tmp_") || isPack && !names[pack+".idx"] {
			if err := os.Remove(filepath.Join(packs, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// createMirror makes an empty mirror in a folder that must not exist.
func createMirror(dir, source string, ref plumbing.ReferenceName, partial bool) (*mirror, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	format := wholeMirror
	if partial {
		format = partialMirror
	}
	data, err := json.Marshal(marker{format, source})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, markerFile), data, 0o600); err != nil {
		return nil, err
	}
	if err := gitrepo.InitBare(dir, ref); err != nil {
		return nil, err
	}
	s, err := gitstore.Open(false, filepath.Join(dir, "objects"))
	if err != nil {
		return nil, err
	}
	return &mirror{dir: dir, store: s, ref: ref, partial: partial}, nil
}

// removeMirror removes a mirror of ours, or nothing.
func removeMirror(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, markerFile)); err != nil {
		if err := vacant(dir); !errors.Is(err, errNoMirror) {
			return err
		}
	}
	return os.RemoveAll(dir)
}

func (m *mirror) close() error {
	if m.joining != nil {
		m.joining.stop()
	}
	return m.store.Close()
}

// receive takes a pack in that has the objects.
func (m *mirror) receive(ctx context.Context, r io.Reader, maxPack int64, wants ...plumbing.Hash) error {
	name, err := gitstore.Receive(ctx, r, filepath.Join(m.dir, "objects", "pack"), maxPack, wants...)
	if disk, ok := errors.AsType[*gitstore.DiskError](err); ok {
		return mirrorFault(disk.Err)
	}
	if err != nil {
		return err
	}
	return m.store.Add(name)
}

// advance notes where the branch is.
func (m *mirror) advance(head plumbing.Hash) error {
	if head == m.head {
		return nil
	}
	path := filepath.Join(m.dir, filepath.FromSlash(m.ref.String()))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	temp := filepath.Join(m.dir, "objects", "pack", "tmp_ref")
	if err := os.WriteFile(temp, []byte(head.String()+"\n"), 0o600); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	m.head = head
	return nil
}
