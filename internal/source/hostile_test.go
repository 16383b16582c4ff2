package source

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/gitstore"
)

// maxGrowth is by how much a server may make the heap grow, in bytes.
const maxGrowth = 32 << 20

// peak returns by how many bytes the heap grew at most while f ran. What is garbage
// and not collected yet counts.
func peak(f func()) int64 {
	runtime.GC()
	debug.FreeOSMemory()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	now := func() int64 {
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	before := now()
	most := before
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			most = max(most, now())
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	f()
	close(stop)
	watching.Wait()
	return most - before
}

// packWriter writes packs of any kind.
type packWriter struct {
	b     bytes.Buffer
	count uint32
	zlib  *zlib.Writer
}

// add adds an object, or the delta of the one at the offset base, and returns where
// it stands.
func (p *packWriter) add(kind plumbing.ObjectType, data []byte, base int) (offset int) {
	var z bytes.Buffer
	if p.zlib == nil {
		p.zlib, _ = zlib.NewWriterLevel(&z, zlib.BestSpeed)
	}
	p.zlib.Reset(&z)
	_, _ = p.zlib.Write(data)
	_ = p.zlib.Close()
	return p.addDeflated(kind, len(data), z.Bytes(), base)
}

func (p *packWriter) addDeflated(kind plumbing.ObjectType, size int, deflated []byte, base int) (offset int) {
	const head = 12
	offset = head + p.b.Len()
	first, rest := byte(kind)<<4|byte(size&15), size>>4
	for ; rest > 0; rest >>= 7 {
		p.b.WriteByte(first | 0x80)
		first = byte(rest & 0x7f)
	}
	p.b.WriteByte(first)
	if kind == plumbing.OFSDeltaObject {
		back := offset - base
		digits := []byte{byte(back & 0x7f)}
		for back >>= 7; back > 0; back >>= 7 {
			back--
			digits = append([]byte{0x80 | byte(back&0x7f)}, digits...)
		}
		p.b.Write(digits)
	}
	p.b.Write(deflated)
	p.count++
	return offset
}

func (p *packWriter) bytes() []byte {
	out := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), p.count)
	out = append(out, p.b.Bytes()...)
	sum := sha1.Sum(out)
	return append(out, sum[:]...)
}

// deltaOf is a delta of a base of some size, whose result copies its first bytes
// some times.
func deltaOf(base, length, times int) []byte {
	delta := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(base)), uint64(length*times))
	op := []byte{0x80 | 1<<4 | 1<<5 | 1<<6, byte(length), byte(length >> 8), byte(length >> 16)}
	return append(delta, bytes.Repeat(op, times)...)
}

// treeOf is a tree with entries of a mode and a name.
func treeOf(entries ...any) []byte {
	var b []byte
	for i := 0; i < len(entries); i += 2 {
		hash := entries[i+1].(plumbing.Hash)
		b = append(append(b, entries[i].(string)+"\x00"...), hash[:]...)
	}
	return b
}

// fake is a server that says that the branch is at head, and answers with a pack.
func fake(head plumbing.Hash, pack []byte) serveFunc {
	return func(w http.ResponseWriter, req *http.Request, _ http.Handler) {
		if req.Method == http.MethodGet {
			fmt.Fprint(w, "001e# service=git-upload-pack\n0000")
			line := head.String() + " refs/heads/main\x00side-band-64k ofs-delta\n"
			fmt.Fprintf(w, "%04x%s0000", len(line)+4, line)
			return
		}
		sendPack(w, pack)
	}
}

func sendPack(w io.Writer, pack []byte) {
	fmt.Fprint(w, "0008NAK\n")
	sendBand(w, pack)
}

// sendBand sends a pack in its band.
func sendBand(w io.Writer, pack []byte) {
	for len(pack) > 0 {
		n := min(len(pack), 65515)
		fmt.Fprintf(w, "%04x\x01%s", n+5, pack[:n])
		pack = pack[n:]
	}
	fmt.Fprint(w, "0000")
}

type serveFunc = func(w http.ResponseWriter, req *http.Request, git http.Handler)

// hostility is what a server does, and what a poll says to it; nil if the poll is
// as good as any.
type hostility struct {
	name  string
	kind  error
	serve serveFunc
}

func packHostilities(f func() []byte) serveFunc {
	pack := f()
	return func(w http.ResponseWriter, req *http.Request, git http.Handler) {
		if asks(req) != askPack {
			git.ServeHTTP(w, req)
			return
		}
		fmt.Fprint(w, beforePack(req))
		sendBand(w, pack)
	}
}

// beforePack is what comes before a pack.
func beforePack(req *http.Request) string {
	if req.Header.Get("Git-Protocol") != "" {
		return "000dpackfile\n"
	}
	return "0008NAK\n"
}

// commitOf is a pack with a commit of a tree, and what else it holds.
func commitOf(tree plumbing.Hash, header string, p *packWriter) (plumbing.Hash, []byte) {
	data := fmt.Appendf(nil, "tree %s\nauthor Eve <eve@example.com> 1 +0000\ncommitter Eve <eve@example.com> 1 +0000\n%s\nhostile\n", tree, header)
	p.add(plumbing.CommitObject, data, 0)
	return gitstore.HashObject(plumbing.CommitObject, data), p.bytes()
}

func (p *packWriter) put(kind plumbing.ObjectType, data []byte) plumbing.Hash {
	p.add(kind, data, 0)
	return gitstore.HashObject(kind, data)
}

// bombs are packs that are worth far more than they weigh.
func bombs(t *testing.T, unfolded int) []hostility {
	var z bytes.Buffer
	w, _ := zlib.NewWriterLevel(&z, zlib.BestSpeed)
	zeros := make([]byte, 1<<20)
	for range gitstore.MaxObject >> 20 {
		_, _ = w.Write(zeros)
	}
	_ = w.Close()
	var many, deltas, large, deep, wild, foreign, odd, extra packWriter
	for range unfolded / gitstore.MaxObject {
		many.addDeflated(plumbing.BlobObject, gitstore.MaxObject, z.Bytes(), 0)
	}
	base, size := deltas.add(plumbing.BlobObject, zeros, 0), len(zeros)
	for range unfolded / gitstore.MaxObject { // each made from the one before
		base, size = deltas.add(plumbing.OFSDeltaObject, deltaOf(size, 1<<16, gitstore.MaxObject>>16), base), gitstore.MaxObject
	}
	base = large.add(plumbing.BlobObject, zeros, 0)
	large.add(plumbing.OFSDeltaObject, deltaOf(len(zeros), 1<<16, gitstore.MaxObject>>16+1), base)
	base, size = deep.add(plumbing.BlobObject, []byte("hello"), 0), 5
	for i := range 20_000 {
		delta := append(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(size)), 4), 4, byte(i), byte(i>>8), 'x', 'y')
		base, size = deep.add(plumbing.OFSDeltaObject, delta, base), 4
	}
	base = wild.add(plumbing.BlobObject, []byte("hello"), 0)
	wild.add(plumbing.OFSDeltaObject, deltaOf(5, 6, 1), base)
	delta := deltaOf(5, 5, 1)
	var named bytes.Buffer
	named.WriteString(strings.Repeat("x", gitstore.HashSize))
	zw := zlib.NewWriter(&named)
	_, _ = zw.Write(delta)
	_ = zw.Close()
	foreign.addDeflated(plumbing.REFDeltaObject, len(delta), named.Bytes(), 0)
	odd.addDeflated(5, 1, z.Bytes()[:20], 0)
	extra.add(plumbing.BlobObject, []byte("hello"), 0)
	short := extra.bytes()
	tail := append(bytes.Clone(short[:len(short)-gitstore.HashSize]), "more of it"...)
	sum := sha1.Sum(tail)
	tail = append(tail, sum[:]...)
	count := bytes.Clone(short)
	binary.BigEndian.PutUint32(count[8:], 1<<31)
	sum = sha1.Sum(count[:len(count)-gitstore.HashSize])
	copy(count[len(count)-gitstore.HashSize:], sum[:])
	t.Logf("%d bytes unfold to %d, and %d bytes of deltas", len(many.bytes()), unfolded, len(deltas.bytes()))
	pack := func(p []byte) serveFunc { return packHostilities(func() []byte { return p }) }
	return []hostility{
		{"a pack that unfolds", gitremote.ErrBadAnswer, pack(many.bytes())},
		{"deltas that unfold", gitremote.ErrBadAnswer, pack(deltas.bytes())},
		{"a delta that makes too much", gitstore.ErrTooLarge, pack(large.bytes())},
		{"a long chain of deltas", gitremote.ErrBadAnswer, pack(deep.bytes())},
		{"a delta beyond its base", gitremote.ErrBadAnswer, pack(wild.bytes())},
		{"a delta of what is not there", gitremote.ErrBadAnswer, pack(foreign.bytes())},
		{"an object of no kind", gitremote.ErrBadAnswer, pack(odd.bytes())},
		{"a pack with something after it", gitremote.ErrBadAnswer, pack(tail)},
		{"a pack of two thousand million objects", gitremote.ErrBadAnswer, pack(count)},
		{"a pack without the commit", gitremote.ErrBadAnswer, pack(short)},
		{"a pack with nothing in it", gitremote.ErrBadAnswer, pack((&packWriter{}).bytes())},
	}
}

// histories are commits that no git would make.
func histories() []hostility {
	serve := func(f func(p *packWriter) (tree plumbing.Hash, header string)) serveFunc {
		var p packWriter
		tree, header := f(&p)
		return fake(commitOf(tree, header, &p))
	}
	var blobs, octopus packWriter
	blob := blobs.put(plumbing.BlobObject, []byte("hello"))
	return []hostility{
		{"a commit with a giant header", gitstore.ErrTooLarge, serve(func(p *packWriter) (plumbing.Hash, string) {
			return p.put(plumbing.TreeObject, nil), "x " + strings.Repeat("y", 2<<20) + "\n"
		})},
		{"a branch that is no commit", gitremote.ErrBadAnswer, fake(blob, blobs.bytes())},
		{"a tree that is not there", gitremote.ErrBadAnswer, serve(func(*packWriter) (plumbing.Hash, string) { return blob, "" })},
		{"a tree that is no tree", gitremote.ErrBadAnswer, serve(func(p *packWriter) (plumbing.Hash, string) {
			return p.put(plumbing.BlobObject, []byte("tree?")), ""
		})},
		{"a tree out of order", gitremote.ErrBadAnswer, serve(func(p *packWriter) (plumbing.Hash, string) {
			return p.put(plumbing.TreeObject, treeOf("100644 b.yaml", blob, "100644 a.yaml", blob)), ""
		})},
		{"a tree with a name twice", gitremote.ErrBadAnswer, serve(func(p *packWriter) (plumbing.Hash, string) {
			return p.put(plumbing.TreeObject, treeOf("100644 a.yaml", blob, "100755 a.yaml", blob)), ""
		})},
		{"a tree that leads out", gitremote.ErrBadAnswer, serve(func(p *packWriter) (plumbing.Hash, string) {
			return p.put(plumbing.TreeObject, treeOf("40000 ..", blob)), ""
		})},
		{"a tree with a path in a name", gitremote.ErrBadAnswer, serve(func(p *packWriter) (plumbing.Hash, string) {
			return p.put(plumbing.TreeObject, treeOf("100644 a/../../b.yaml", blob)), ""
		})},
		{"a file that is not there", gitremote.ErrBadAnswer, serve(func(p *packWriter) (plumbing.Hash, string) {
			return p.put(plumbing.TreeObject, treeOf("100644 a.yaml", blob)), ""
		})},
		{"a thousand parents", gitstore.ErrTooLarge, fake(octopus.put(plumbing.CommitObject, fmt.Appendf(nil, "tree %s\n%sauthor a <b> 1 +0000\ncommitter a <b> 1 +0000\n\n",
			blob, strings.Repeat("parent "+blob.String()+"\n", 1000))), octopus.bytes())},
	}
}

// answers are hostile before there is a pack, or around it.
func answers(hang <-chan struct{}) []hostility {
	refs := func(f func(w http.ResponseWriter)) serveFunc {
		return func(w http.ResponseWriter, req *http.Request, git http.Handler) {
			if req.Method != http.MethodGet {
				git.ServeHTTP(w, req)
				return
			}
			f(w)
		}
	}
	service := "001e# service=git-upload-pack\n0000"
	bomb := func(w io.Writer) {
		z := gzip.NewWriter(w)
		zeros := make([]byte, 1<<20)
		for range 256 {
			if _, err := z.Write(zeros); err != nil {
				return
			}
		}
		_ = z.Close()
	}
	slowly := func(w http.ResponseWriter) {
		for {
			select {
			case <-hang:
				return
			case <-time.After(20 * time.Millisecond):
				if _, err := io.WriteString(w, "0"); err != nil {
					return
				}
				w.(http.Flusher).Flush()
			}
		}
	}
	beside := func(line string) serveFunc {
		return func(w http.ResponseWriter, req *http.Request, git http.Handler) {
			if asks(req) != askPack {
				git.ServeHTTP(w, req)
				return
			}
			fmt.Fprint(w, beforePack(req))
			for range 64 << 10 {
				if _, err := io.WriteString(w, line); err != nil {
					return
				}
			}
		}
	}
	acks := func(line string) serveFunc {
		return func(w http.ResponseWriter, req *http.Request, git http.Handler) {
			if req.Method == http.MethodGet {
				git.ServeHTTP(w, req)
				return
			}
			for many := strings.Repeat(line, 1000); ; {
				if _, err := io.WriteString(w, many); err != nil {
					return
				}
			}
		}
	}
	return []hostility{
		{"acknowledgements without an end", gitstore.ErrTooLarge, acks("0031ACK " + strings.Repeat("1", 40) + "\n")},
		{"refusals without an end", gitstore.ErrTooLarge, acks("0008NAK\n")},
		{"refs: cut off, after many branches", gitremote.ErrShallow, refs(func(w http.ResponseWriter) {
			fmt.Fprint(w, service, "004a", strings.Repeat("1", 40), " HEAD\x00side-band-64k ofs-delta\n")
			for i := range 2 * 100 {
				fmt.Fprintf(w, "003e%s refs/heads/b%04d\n", strings.Repeat("1", 40), i)
			}
			fmt.Fprint(w, "003d", strings.Repeat("1", 40), " refs/heads/main\n", "0035shallow ", strings.Repeat("1", 40), "\n0000")
		})},
		{"endless refs", gitstore.ErrTooLarge, refs(func(w http.ResponseWriter) {
			fmt.Fprint(w, service)
			fmt.Fprintf(w, "%04x%s refs/heads/x\x00\n", 40+1+12+2+4, strings.Repeat("1", 40))
			for i := range 1 << 20 {
				if _, err := fmt.Fprintf(w, "%04x%s refs/heads/%08d\n", 40+1+11+8+1+4, strings.Repeat("1", 40), i); err != nil {
					return
				}
			}
		})},
		{"refs without an end of line", gitstore.ErrTooLarge, refs(func(w http.ResponseWriter) {
			fmt.Fprintf(w, "%s%04x%s refs/heads/x\x00\n", service, 40+1+12+2+4, strings.Repeat("1", 40))
			line := strings.Repeat("1", 40) + " refs/heads/" + strings.Repeat("x", 65000)
			for range 1 << 10 {
				if _, err := fmt.Fprintf(w, "%04x%s", len(line)+4, line); err != nil {
					return
				}
			}
		})},
		{"refs: a line of no length", gitremote.ErrBadAnswer, refs(func(w http.ResponseWriter) { fmt.Fprint(w, service+"zzzz") })},
		{"refs: cut off in a line", gitremote.ErrBadAnswer, refs(func(w http.ResponseWriter) { fmt.Fprint(w, service+"00ff1111") })},
		{"refs: no hash", gitremote.ErrBadAnswer, refs(func(w http.ResponseWriter) {
			fmt.Fprint(w, service+"0034"+strings.Repeat("z", 40)+" HEAD\x00\n"+"0000")
		})},
		{"refs: the branch is gone", gitremote.ErrNoBranch, refs(func(w http.ResponseWriter) {
			line := strings.Repeat("1", 40) + " refs/heads/other\x00side-band-64k\n"
			fmt.Fprintf(w, "%s%04x%s0000", service, len(line)+4, line)
		})},
		{"refs: names that lead elsewhere", gitremote.ErrNoBranch, refs(func(w http.ResponseWriter) {
			fmt.Fprint(w, service)
			for _, name := range []string{"refs/heads/../../../etc/passwd\x00side-band-64k", "refs/heads/main/../main", "/etc/passwd", "refs/heads/main\x1b[31m"} {
				line := strings.Repeat("1", 40) + " " + name + "\n"
				fmt.Fprintf(w, "%04x%s", len(line)+4, line)
			}
			fmt.Fprint(w, "0000")
		})},
		{"refs: a byte at a time", gitremote.ErrUnreachable, refs(slowly)},
		{"refs: a zip bomb", gitremote.ErrBadAnswer, refs(func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			bomb(w)
		})},
		{"an error that is a zip bomb", gitremote.ErrNoRepository, refs(func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(404)
			bomb(w)
		})},
		{"an endless header", gitremote.ErrUnreachable, refs(func(w http.ResponseWriter) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
		})},
		{"401 whatever is said", gitremote.ErrAuth, refs(func(w http.ResponseWriter) {
			w.Header().Set("WWW-Authenticate", "Basic realm=\"again\"")
			w.WriteHeader(401)
		})},
		{"503", gitremote.ErrUnreachable, refs(func(w http.ResponseWriter) { w.Header().Set("Retry-After", "1"); w.WriteHeader(503) })},
		{"a redirect to itself", gitremote.ErrBadAnswer, refs(func(w http.ResponseWriter) {
			w.Header().Set("Location", "/origin.git/info/refs?service=git-upload-pack")
			w.WriteHeader(302)
		})},
		{"a redirect to a file", gitremote.ErrBadAnswer, refs(func(w http.ResponseWriter) {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(302)
		})},
		{"progress without an end", gitstore.ErrTooLarge, beside(fmt.Sprintf("%04x\x02%s", 5+1000, strings.Repeat(".", 1000)))},
		{"a channel that there is not", gitremote.ErrBadAnswer, beside("0006\x09x")},
		{"packets without content", gitremote.ErrBadAnswer, beside("0004")},
		{"an error with escapes in it", gitremote.ErrBadAnswer, beside("0010\x03\x1b[31mgone\n\n")},
	}
}

// Whatever a server does, the poll ends in time with an error that fits, our memory
// does not move, the revision before stays, and the next poll is as good as any.
func TestHostileServer(t *testing.T) {
	unfolded := gitstore.MaxObject
	if *long {
		unfolded = 1 << 30
	}
	packs := bombs(t, unfolded)
	t.Run("version 0", func(t *testing.T) {
		testHostile(t, true, func(hang <-chan struct{}) []hostility { return slices.Concat(answers(hang), histories(), packs) })
	})
	t.Run("version 2", func(t *testing.T) {
		testHostile(t, false, func(hang <-chan struct{}) []hostility { return append(answersInVersion2(hang), packs...) })
	})
}

func testHostile(t *testing.T, version0 bool, hostilities func(hang <-chan struct{}) []hostility) {
	hang := make(chan struct{})
	defer close(hang)
	r, all := newRepo(t), hostilities(hang)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	web := r.startWeb(false)
	web.version0 = version0
	g := r.open(GitConfig{URL: web.url, MaxPack: 8 << 20})
	before := poll(t, g)
	r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
	for _, h := range all {
		t.Run(h.name, func(t *testing.T) {
			web.instead(h.serve)
			if g.config.Timeout = time.Minute; h.kind == gitremote.ErrUnreachable {
				g.config.Timeout = time.Second
			}
			start := time.Now()
			grew := peak(func() { wantHostile(t, g, h.kind) })
			if took := time.Since(start); took > g.config.Timeout+10*time.Second {
				t.Errorf("it took %v", took)
			}
			if grew > maxGrowth {
				t.Errorf("the heap grew by %d MiB", grew>>20)
			}
			t.Logf("%v, %d KiB", time.Since(start).Round(time.Millisecond), grew>>10)
			wantSaid(t, before, "a v1 a.yaml")
			if g.revision != before {
				t.Errorf("the revision is %v", g.revision)
			}
		})
	}
	web.instead(nil)
	g.config.Timeout = time.Minute
	wantSaid(t, poll(t, g), "a v2 a.yaml")
	if len(all) < 25 {
		t.Errorf("there are only %d cases", len(all))
	}
}

func wantHostile(t *testing.T, g *Git, kind error) {
	rev, err := g.Poll(t.Context())
	if rev != nil || !errors.Is(err, kind) {
		t.Errorf("the poll gave %v, %v; want %v", rev, err, kind)
	}
	if err != nil && (len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\n\x1b")) {
		t.Errorf("the error is %q", err)
	}
}
