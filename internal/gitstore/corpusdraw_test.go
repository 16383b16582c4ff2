package gitstore

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore/gittest"
)

// corpus is a repository of the corpus.
type corpus struct {
	t       *testing.T
	r       *rand.Rand
	dir     string
	steps   []string            // how it was made
	broken  map[string]bool     // commits that git itself cannot read
	strange map[string]bool     // commits whose people are not well written
	scratch string              // a folder for contents
	files   map[string][]string // contents that are still to be written, by kind
	written int
}

// run runs a git command with input.
func (c *corpus) run(input string, args ...string) (string, error) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), "git", args...)
	cmd.Dir, cmd.Stdin = c.dir, strings.NewReader(input)
	cmd.Env = append(gittest.Env(time.Unix(1_700_000_000, 0)), "GIT_GRAFT_FILE="+os.DevNull)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, &stderr)
	}
	return string(out), err
}

// git runs a git command that cannot fail.
func (c *corpus) git(input string, args ...string) string {
	c.t.Helper()
	out, err := c.run(input, args...)
	gittest.Must(c.t, err)
	return out
}

// do runs a git command that is a step.
func (c *corpus) do(args ...string) string {
	c.t.Helper()
	c.steps = append(c.steps, "git "+strings.Join(args, " "))
	return c.git("", args...)
}

// try runs a git command that is a step. Where git refuses it, for what odd objects hold,
// the repository is taken as it is then.
func (c *corpus) try(args ...string) {
	c.t.Helper()
	c.steps = append(c.steps, "git "+strings.Join(args, " "))
	if _, err := c.run("", args...); err != nil {
		c.steps = append(c.steps, "that failed")
	}
}

func (c *corpus) gitDir() string {
	if _, err := os.Stat(filepath.Join(c.dir, ".git")); err == nil {
		return filepath.Join(c.dir, ".git")
	}
	return c.dir
}

func (c *corpus) oneIn(n int) bool { return c.r.IntN(n) == 0 }

func (c *corpus) pick(of ...string) string { return of[c.r.IntN(len(of))] }

// drawRepository makes a repository, and changes how its objects are kept a few times.
func drawRepository(t *testing.T, r *rand.Rand) *corpus {
	t.Helper()
	c := &corpus{t: t, r: r, dir: t.TempDir(), scratch: t.TempDir(), files: map[string][]string{}, broken: map[string]bool{}, strange: map[string]bool{}}
	if c.oneIn(2) {
		c.do("init", "-q", "--bare", "-b", "main")
	} else {
		c.do("init", "-q", "-b", "main")
	}
	c.do("config", "core.looseCompression", strconv.Itoa(r.IntN(11)-1))
	c.do("config", "pack.compression", strconv.Itoa(r.IntN(11)-1))
	c.do("config", "pack.indexVersion", c.pick("1", "2", "2"))
	c.do("config", "repack.useDeltaBaseOffset", c.pick("true", "false"))
	c.do("config", "core.bigFileThreshold", c.pick("512m", "1k", "100k"))
	c.do("config", "fastimport.unpackLimit", c.pick("0", "1", "1000"))
	c.do("config", "gc.auto", "0")
	for range 1 + r.IntN(3) {
		c.importHistory()
		c.writeOdd()
		c.flush()
		for range r.IntN(3) {
			c.rearrange()
		}
		if c.oneIn(4) {
			c.borrow()
		}
	}
	return c
}

// importHistory adds branches of commits with files of all kinds, as fast-import takes them.
func (c *corpus) importHistory() {
	var b strings.Builder
	data := func(text string) { fmt.Fprintf(&b, "data %d\n%s\n", len(text), text) }
	branch := fmt.Sprintf("refs/heads/b%d", c.r.IntN(1000))
	text := c.text(c.r.IntN(4000))
	marks := 0
	for i := range 5 + c.r.IntN(30) {
		marks++
		fmt.Fprintf(&b, "commit %s\nmark :%d\n", branch, marks)
		if c.oneIn(2) {
			fmt.Fprintf(&b, "author %s <%s> %d %s\n", c.pick("Ann", "Ännchen ☃", "", "A. \"B\" C"), c.pick("a@b", "", "a b"), c.r.IntN(2_000_000_000), c.pick("+0000", "-1130", "+1400"))
		}
		fmt.Fprintf(&b, "committer Bob <b@c> %d %s\n", 1_500_000_000+i+c.r.IntN(100), c.pick("+0000", "+0530", "-0930"))
		if c.oneIn(6) {
			b.WriteString("encoding ISO-8859-1\n")
		}
		data(c.pick("", "subject", "subject\n\nbody\n", "no end", "\n\nlate", "caf\xe9", strings.Repeat("long ", 2000)))
		for parent := range min(marks-1, c.r.IntN(4)*c.r.IntN(3)) {
			if marks-2-parent > 0 {
				fmt.Fprintf(&b, "merge :%d\n", marks-2-parent)
			}
		}
		for range c.r.IntN(4) {
			at := c.r.IntN(len(text) + 1)
			text = text[:at] + c.text(c.r.IntN(60)) + text[at:]
			fmt.Fprintf(&b, "M %s inline %s\n", c.pick("100644", "100755"), strconv.Quote(c.fileName(i)))
			data(text)
		}
		switch c.r.IntN(8) {
		case 0:
			fmt.Fprintf(&b, "M 120000 inline %s\n", strconv.Quote("link"+strconv.Itoa(i)))
			data(c.pick("target", "../..", "/etc/passwd", ""))
		case 1:
			fmt.Fprintf(&b, "M 160000 %040x sub%d\n", i+1, i)
		case 2:
			fmt.Fprintf(&b, "M 100644 inline big%d\n", i)
			data(c.bytes(c.r.IntN(300_000)))
		case 3:
			b.WriteString("deleteall\n")
		}
	}
	fmt.Fprintf(&b, "tag v%d\nfrom :%d\ntagger Bob <b@c> 1 +0000\n", c.r.IntN(1_000_000), marks)
	data(c.pick("release", "", "-----BEGIN PGP SIGNATURE-----\nx\n-----END PGP SIGNATURE-----\n"))
	depth := c.pick("0", "1", "50", "8191")
	c.steps = append(c.steps, "git fast-import --depth="+depth)
	c.git(b.String(), "fast-import", "--quiet", "--force", "--depth="+depth)
}

// text draws lines, and bytes draws what cannot be compressed.
func (c *corpus) text(n int) string {
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, "line %d\n", c.r.IntN(50))
	}
	return b.String()[:n]
}

func (c *corpus) bytes(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(c.r.Uint32())
	}
	return string(b)
}

func (c *corpus) fileName(i int) string {
	name := c.pick("a", "a.yaml", "b", "a-", "a0", "A", "ünï", " x ", "-", "CON", "new\nline", `quo"te`, "tab\t", strings.Repeat("n", 200), ".gitmodules", "file"+strconv.Itoa(i))
	return c.pick("", "d/", "d-/", "d.x/", "deep/er/and/deeper/") + name
}

// writeOdd adds objects as no well-behaved program writes them.
func (c *corpus) writeOdd() {
	blob := c.hash("blob", c.text(c.r.IntN(100)))
	c.hash("blob", "")
	c.hash("blob", c.bytes(1<<c.r.IntN(18)))
	raw := func(name string) string {
		b, _ := hex.DecodeString(name)
		return string(b)
	}
	tree := c.hash("tree", "100644 a\x00"+raw(blob))
	empty := c.hash("tree", "")
	entry := func(mode, name string) string { return mode + " " + name + "\x00" + raw(c.pick(blob, tree, empty)) }
	for _, content := range []string{
		entry("0100644", "a"), entry("100664", "a") + entry("100600", "b"), entry("40000", "a") + entry("040000", "b"),
		entry("100644", "a.b") + entry("40000", "a") + entry("100644", "a0"), entry("160000", "m") + entry("120000", "n"), entry("0", "zero") + entry("140000", "zock"),
		entry("100644", "b") + entry("100644", "a"), entry("100644", "a") + entry("100644", "a"), entry("100644", "a") + entry("40000", "a"),
		entry("40000", "a") + entry("100644", "a-"), entry("100644", ".git"), entry("40000", ".."), entry("100644", "x/y"), entry("100644", ""), entry("100644", strings.Repeat("z", 5000)),
	} {
		if c.oneIn(2) {
			tree = c.hash("tree", content)
		}
	}
	c.oddCommits(empty)
	tag := func(of, kind, rest string) string {
		return c.hash("tag", "object "+of+"\ntype "+kind+"\ntag odd\n"+rest)
	}
	inner := tag(blob, "blob", "tagger Bob <b@c> 1 +0000\n\nof a file\n")
	tag(tag(inner, "tag", ""), "tag", "tagger\n\n")
	tag(tree, "tree", "tagger Bob <b@c> 99999999999999999999 +0000\ngpgsig x\n y\n\nm")
}

// oddCommits adds commits of one tree, some of which git cannot read.
func (c *corpus) oddCommits(tree string) {
	const by = "author Ann <a@b> 1500000000 +0000\ncommitter Bob <b@c> 1500000001 -0000\n"
	parent := c.hash("commit", "tree "+tree+"\n"+by+"\nroot\n")
	many := strings.Builder{}
	for range c.r.IntN(maxParents) {
		fmt.Fprintf(&many, "parent %s\n", parent)
	}
	for _, rest := range []string{
		many.String() + by + "\nmany\n", "parent " + parent + "\nparent " + parent + "\n" + by + "\n\x00zero\x00", by, by + "\n",
		by + "encoding latin-1\n\ncaf\xe9\n", by + "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\nsigned\n", by + "gpgsig-sha256 x\n y\n\nm\n",
		"parent " + parent + "\n" + by + "mergetag object " + parent + "\n type commit\n tag x\n tagger T <t@u> 1 +0000\n \n of it\n tree " + parent + "\n parent " + parent + "\n\nmerged\n",
		by + "HG:extra x\nchange-id abc\nempty\n\nheaders\n", by + "parent " + parent + "\ntree " + parent + "\n\nlate parent\n",
		by + "x " + strings.Repeat("long", 10_000) + "\n\nlong header\n", by + "\n" + strings.Repeat("m\n", 200_000), by + "\r\ncarriage\r\n",
	} {
		c.hash("commit", "tree "+tree+"\n"+rest)
	}
	for _, rest := range []string{
		"\nno people\n", "author\ncommitter\n\nm\n", "author Ann\ncommitter Bob\n\nm\n", "author Ann <a@b>\ncommitter Bob <b@c>\n\nno time\n", "author <a@b> 1 +0000\ncommitter <> 2 +0000\n\nm\n",
		"author Ann <a@b> 99999999999999999999 +9999\ncommitter Bob <b@c> 18446744073709551615 +0000\n\nfar\n", "author A <a> 1 UTC\ncommitter B <b> x y\n\nm\n", "author A <a <b>> 1 +0000\ncommitter B b> 1 +0000\n\nm\n",
		"author Ann <a@b> -1 +0000\ncommitter Bob <b@c> -100 +0000\n\nbefore\n", "author A <a\n@b> 1 +0000\ncommitter Bob <b@c> 1 +0000\n\nm\n", "committer Bob <b@c> 1 +0000\nauthor Ann <a@b> 1 +0000\n\nturned\n",
	} {
		c.strange[c.hash("commit", "tree "+tree+"\n"+rest)] = true
	}
	for _, content := range []string{
		"", "\n", "tree", "tree " + tree, "tree " + tree + "\n", "tree \n\nm", "parent " + parent + "\ntree " + tree + "\n" + by + "\nturned\n", "tree " + tree[:39] + "g\n" + by + "\nm", "tree " + tree + "\nparent x\n" + by + "\nm",
	} {
		c.broken[c.hash("commit", content)] = true
	}
}

// hash adds an object, whatever it holds, to those that flush writes, and returns its name.
func (c *corpus) hash(kind, content string) string {
	c.t.Helper()
	c.written++
	file := filepath.Join(c.scratch, strconv.Itoa(c.written))
	gittest.Must(c.t, os.WriteFile(file, []byte(content), 0o600))
	c.files[kind] = append(c.files[kind], file)
	k, err := plumbing.ParseObjectType(kind)
	gittest.Must(c.t, err)
	return HashObject(k, []byte(content)).String()
}

// flush writes what hash was given, at different levels of compression.
func (c *corpus) flush() {
	for _, kind := range []string{"blob", "tree", "commit", "tag"} {
		for files := range slices.Chunk(c.files[kind], 20) {
			level := strconv.Itoa(c.r.IntN(10))
			c.git("", append([]string{"-c", "core.looseCompression=" + level, "hash-object", "--literally", "-w", "-t", kind}, files...)...)
		}
	}
	c.files = map[string][]string{}
}

// rearrange changes how the objects are kept, and which others stand in for them.
func (c *corpus) rearrange() {
	switch c.r.IntN(17) {
	case 0, 1, 2:
		args := []string{"repack", "-q", "-d", "--depth=" + c.pick("1", "50", "4095"), "--window=" + c.pick("2", "10", "200")}
		args = append(args, c.pick("-a", "-A"), c.pick("-f", "-F", "-q"))
		if c.oneIn(3) {
			args = append(args, c.pick("-b", "--write-midx", "--max-pack-size=1m"))
		}
		c.try(args...)
	case 3:
		c.try("repack", "-q", "-d")
	case 4:
		c.try("repack", "-q", "-d", "--cruft")
	case 5:
		c.try("gc", "-q", c.pick("--aggressive", "--prune=never", "--cruft"))
	case 6:
		c.try("repack", "-q", "-d", "--geometric=2")
	case 7:
		c.try("repack", "-q", "-d")
		c.try("multi-pack-index", "write", "--no-progress")
		c.try("multi-pack-index", "repack", "--no-progress")
		c.try("multi-pack-index", "expire", "--no-progress")
	case 8:
		c.unpack()
	case 9:
		c.try("pack-refs", "--all")
		c.try("commit-graph", "write", "--reachable")
	case 10:
		commits := strings.Fields(c.git("", "rev-list", "--all", "--max-count=3"))
		if len(commits) == 3 {
			c.try("replace", "-f", commits[0], commits[2])
		}
	case 11:
		commits := strings.Fields(c.git("", "rev-list", "--all", "--max-count=2"))
		c.steps = append(c.steps, "grafts")
		gittest.Must(c.t, os.MkdirAll(filepath.Join(c.gitDir(), "info"), 0o755))
		gittest.Must(c.t, os.WriteFile(filepath.Join(c.gitDir(), "info", "grafts"), []byte(strings.Join(commits[:1], "")+"\n"), 0o600))
	case 12:
		c.try("notes", "add", "-f", "-m", "note", strings.TrimSpace(c.git("", "rev-list", "--all", "--max-count=1")))
	case 13, 14, 15:
		c.packAll()
	default:
		c.try("prune-packed", "-q")
		c.try("maintenance", "run", "--quiet", "--task=loose-objects", "--task=incremental-repack")
	}
}

// packAll packs all objects in any order, those that no ref leads to among them.
func (c *corpus) packAll() {
	list := strings.Fields(c.git("", "cat-file", "--batch-all-objects", "--batch-check=%(objectname)"))
	c.r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	args := []string{"pack-objects", "-q", "--depth=" + c.pick("0", "50", "4095"), "--window=" + c.pick("0", "10", "50"), "--index-version=" + c.pick("1", "2", "2,0x40")}
	if c.oneIn(2) {
		args = append(args, "--delta-base-offset")
	}
	c.steps = append(c.steps, "git "+strings.Join(args, " "))
	c.git(strings.Join(list, "\n")+"\n", append(args, filepath.Join(c.gitDir(), "objects", "pack", "pack"))...)
	c.try("prune-packed", "-q")
}

// unpack makes all objects loose.
func (c *corpus) unpack() {
	packs, err := filepath.Glob(filepath.Join(c.gitDir(), "objects", "pack", "*.pack"))
	gittest.Must(c.t, err)
	c.steps = append(c.steps, "git unpack-objects")
	for _, p := range packs {
		data, err := os.ReadFile(p)
		gittest.Must(c.t, err)
		files, err := filepath.Glob(strings.TrimSuffix(p, "pack") + "*")
		gittest.Must(c.t, err)
		for _, file := range files {
			gittest.Must(c.t, os.Rename(file, filepath.Join(c.t.TempDir(), filepath.Base(file))))
		}
		c.git(string(data), "unpack-objects", "-q")
	}
	gittest.Must(c.t, os.RemoveAll(filepath.Join(c.gitDir(), "objects", "pack", "multi-pack-index")))
}

// borrow goes on in a clone that borrows all objects from this one.
func (c *corpus) borrow() {
	clone := c.t.TempDir()
	c.do("clone", "-q", "--bare", "--shared", c.dir, clone)
	c.dir = clone
	if c.oneIn(2) {
		c.do("repack", "-q", "-a", "-d", "-l")
	}
}
