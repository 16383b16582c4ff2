// Render makes the pictures in docs/images: it lets the real binary plan changes of
// small repositories, and shows its comments as GitHub does. To repeat it, from the
// top of the repository, with git, npm, chromium and the fonts Noto Sans, Liberation
// Mono and Noto Color Emoji:
//
//	go build -o /tmp/wedatasync ./cmd/wedatasync
//	npm install --prefix /tmp/render github-markdown-css @primer/octicons
//	go run -C browser ./render -bin /tmp/wedatasync -npm /tmp/render
//
// Revisions have fixed dates, so the same binary gives the same comments.
package main

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
)

// The comment of a wide window, in CSS pixels: 808 of text in its frame.
const (
	margin    = 16
	width     = 808 + 4*margin
	maxHeight = 6000
	scale     = 1.5 // of a CSS pixel
)

func main() {
	log.SetFlags(0)
	bin := flag.String("bin", "wedatasync", "the `binary` that plans")
	npm := flag.String("npm", "", "the `folder` that npm installed into")
	out := flag.String("out", "../docs/images", "the `folder` of the pictures")
	only := flag.String("only", "", "`regexp` of the scenes to make")
	keep := flag.String("keep", "", "`folder` for the comments and pages, to look into")
	flag.Parse()
	r := renderer{bin: *bin, npm: *npm, out: *out, keep: *keep}
	for _, s := range scenes() {
		if !regexp.MustCompile(*only).MatchString(s.name) {
			continue
		}
		if err := r.scene(s); err != nil {
			log.Fatalf("render %s: %v", s.name, err)
		}
	}
}

// scene is one comment.
type scene struct {
	name   string
	before map[string]string // the files of main; nil compares with an empty state
	after  map[string]string // the files of the pull request
	config string            // wedatasync.yaml
	open   bool              // with all folds open
}

type renderer struct{ bin, npm, out, keep string }

func (r renderer) scene(s scene) (err error) {
	dir, err := os.MkdirTemp("", "render")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	body, err := r.plan(s, dir)
	if err != nil {
		return err
	}
	page, err := r.page(body, s.open)
	if err != nil {
		return err
	}
	if r.keep != "" {
		err := errors.Join(os.WriteFile(filepath.Join(r.keep, s.name+".md"), body, 0o644), os.WriteFile(filepath.Join(r.keep, s.name+".html"), page, 0o644))
		if err != nil {
			return err
		}
	}
	picture, err := shoot(page, dir)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.out, "plan-"+s.name+".png"), picture, 0o644); err != nil {
		return err
	}
	fmt.Printf("plan-%s.png: %d kB, comment of %d bytes\n", s.name, len(picture)/1000, len(body))
	return nil
}

// plan commits the scene's files and returns the comment about them.
func (r renderer) plan(s scene, dir string) ([]byte, error) {
	args := []string{"plan", "-o", "markdown", "--source", "tasks", "--link-base", "https://git.example.com/data/tasks/blob/main"}
	repo := repository(filepath.Join(dir, "tasks"))
	if err := os.Mkdir(string(repo), 0o755); err != nil {
		return nil, err
	}
	if err := repo.git("init", "-q", "-b", "main"); err != nil {
		return nil, err
	}
	if s.before != nil {
		args = append(args, "--against", "main")
		if err := repo.commit(s.before); err != nil {
			return nil, err
		}
	}
	if err := repo.git("checkout", "-q", "-B", "release"); err != nil {
		return nil, err
	}
	if err := repo.commit(s.after); err != nil {
		return nil, err
	}
	if s.config != "" {
		args = append(args, "--config", "wedatasync.yaml")
		if err := os.WriteFile(filepath.Join(dir, "wedatasync.yaml"), []byte(s.config), 0o644); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(r.bin, args...)
	cmd.Dir = dir
	body, err := cmd.Output()
	// 1 is an invalid file, 3 a guard: there is a plan.
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(body) > 0 && (exit.ExitCode() == 1 || exit.ExitCode() == 3) {
		err = nil
	}
	return body, err
}

// repository is the folder of a repository.
type repository string

// git runs git there, with nobody's settings, and one time.
func (r repository) git(args ...string) error {
	cmd := exec.Command("git", append([]string{"-C", string(r)}, args...)...)
	const when = "2026-11-23T12:00:00Z"
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=Ana", "GIT_AUTHOR_EMAIL=ana@example.com", "GIT_AUTHOR_DATE="+when,
		"GIT_COMMITTER_NAME=Ana", "GIT_COMMITTER_EMAIL=ana@example.com", "GIT_COMMITTER_DATE="+when)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

// commit replaces all files.
func (r repository) commit(files map[string]string) error {
	if err := r.git("rm", "-rfq", "--ignore-unmatch", "."); err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(string(r), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	if err := r.git("add", "-A"); err != nil {
		return err
	}
	return r.git("commit", "-q", "-m", "Release")
}

// page returns the comment as GitHub shows it.
func (r renderer) page(body []byte, open bool) ([]byte, error) {
	css, err := os.ReadFile(filepath.Join(r.npm, "node_modules/github-markdown-css/github-markdown-light.css"))
	if err != nil {
		return nil, err
	}
	var comment bytes.Buffer
	// GitHub lets harmless HTML through, which is all that a comment has.
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := md.Convert(body, &comment); err != nil {
		return nil, err
	}
	content := alert.ReplaceAllFunc(comment.Bytes(), r.alert)
	content = diff.ReplaceAllFunc(content, colour)
	if open {
		content = bytes.ReplaceAll(content, []byte("<details>"), []byte("<details open>"))
	}
	var page bytes.Buffer
	fmt.Fprintf(&page, `<!DOCTYPE html><meta charset="utf-8"><style>%[2]s
body { margin: 0; padding: %[1]dpx; background: #fff; }
.frame { border: 1px solid #d1d9e0; border-radius: 6px; padding: %[1]dpx; }
.markdown-body { font-size: 14px; }
.markdown-alert-title svg { margin-right: 8px; fill: currentColor; }
</style><div class="frame"><article class="markdown-body">%[3]s</article></div>`, margin, css, content)
	return page.Bytes(), nil
}

var alert = regexp.MustCompile(`(?s)<blockquote>\s*<p>\[!(CAUTION|IMPORTANT|NOTE|TIP|WARNING)\]\n(.*?)</blockquote>`)

// alert makes an alert of a quotation that says it is one.
func (r renderer) alert(quotation []byte) []byte {
	parts := alert.FindSubmatch(quotation)
	kind := string(parts[1])
	icons := map[string]string{"CAUTION": "stop", "IMPORTANT": "report", "NOTE": "info", "TIP": "light-bulb", "WARNING": "alert"}
	svg, err := os.ReadFile(filepath.Join(r.npm, "node_modules/@primer/octicons/build/svg", icons[kind]+"-16.svg"))
	if err != nil {
		log.Fatal(err)
	}
	title := kind[:1] + strings.ToLower(kind[1:])
	return fmt.Appendf(nil, `<div class="markdown-alert markdown-alert-%s"><p class="markdown-alert-title">%s%s</p><p>%s</div>`,
		strings.ToLower(kind), svg, title, parts[2])
}

var diff = regexp.MustCompile(`(?s)<pre><code class="language-diff">(.*?)</code></pre>`)

// colour gives the lines of a diff their colours.
func colour(fence []byte) []byte {
	classes := map[byte]string{'+': "pl-mi1", '-': "pl-md", '!': "pl-mc"}
	var b bytes.Buffer
	b.WriteString(`<div class="highlight"><pre>`)
	for line := range bytes.Lines(diff.FindSubmatch(fence)[1]) {
		if class, ok := classes[line[0]]; ok {
			fmt.Fprintf(&b, `<span class="%s">%s</span>`+"\n", class, bytes.TrimRight(line, "\n"))
		} else {
			b.Write(line)
		}
	}
	b.WriteString("</pre></div>")
	return b.Bytes()
}

// shoot takes a picture of the page, in as few colours and bytes as show it.
func shoot(html []byte, dir string) ([]byte, error) {
	from, to := filepath.Join(dir, "page.html"), filepath.Join(dir, "page.png")
	if err := os.WriteFile(from, html, 0o644); err != nil {
		return nil, err
	}
	cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--user-data-dir="+filepath.Join(dir, "chromium"),
		fmt.Sprintf("--force-device-scale-factor=%g", scale), fmt.Sprintf("--window-size=%d,%d", width, maxHeight), "--screenshot="+to, "file://"+from)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	file, err := os.Open(to)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	shot, err := png.Decode(file)
	if err != nil {
		return nil, err
	}
	page := image.NewNRGBA(shot.Bounds())
	draw.Draw(page, page.Rect, shot, image.Point{}, draw.Src)
	page = shorten(crop(page))
	picture := image.NewPaletted(page.Bounds(), palette(page))
	draw.Draw(picture, picture.Rect, page, image.Point{}, draw.Src)
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, picture)
	return b.Bytes(), err
}

// crop cuts what is empty below the page, but for its margin.
func crop(shot *image.NRGBA) *image.NRGBA {
	b := shot.Bounds()
	for y := b.Max.Y - 1; y >= 0; y-- {
		for x := range b.Max.X {
			if shot.NRGBAAt(x, y) != shot.NRGBAAt(0, 0) {
				b.Max.Y = min(b.Max.Y, y+margin*scale)
				return shot.SubImage(b).(*image.NRGBA)
			}
		}
	}
	return shot
}

// shorten leaves the middle of a long page out.
func shorten(shot *image.NRGBA) *image.NRGBA {
	const most, top, gap, bottom = 1800 * scale, 1000 * scale, 24 * scale, 250 * scale
	b := shot.Bounds()
	if b.Dy() <= most {
		return shot
	}
	short := image.NewNRGBA(image.Rect(0, 0, b.Dx(), top+gap+bottom))
	draw.Draw(short, image.Rect(0, 0, b.Dx(), top), shot, b.Min, draw.Src)
	draw.Draw(short, image.Rect(0, top, b.Dx(), top+gap), image.NewUniform(color.Gray{0xd1}), image.Point{}, draw.Src)
	draw.Draw(short, image.Rect(0, top+gap, b.Dx(), top+gap+bottom), shot, image.Pt(0, b.Max.Y-bottom), draw.Src)
	return short
}

// palette returns the most frequent colours, one of each that look the same.
func palette(shot *image.NRGBA) color.Palette {
	count := make(map[color.NRGBA]int)
	b := shot.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			count[shot.NRGBAAt(x, y)]++
		}
	}
	frequent := slices.SortedFunc(maps.Keys(count), func(a, b color.NRGBA) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	var colours color.Palette
	seen := make(map[[3]uint8]bool)
	for _, c := range frequent {
		look := [3]uint8{c.R / 8, c.G / 8, c.B / 8}
		if !seen[look] && len(colours) < 96 {
			seen[look] = true
			colours = append(colours, c)
		}
	}
	return colours
}
