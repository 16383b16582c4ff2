// Package browser_test drives the status page of the real program in a real
// browser: what a person sees, does and hears while the daemon lives.
//
// It needs chromium, and axe-core for what is accessible to everyone:
//
//	npm install --prefix dist/browser axe-core
//	go test -C browser . -required -long
//
// It is a module of its own, so that the program does not depend on what drives a browser.
// With -pictures ../docs/images it writes the pictures of the documentation anew.
package browser_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

var (
	long     = flag.Bool("long", false, "a pass of 200 commits, 100,000 tasks, and every page in every way")
	paint    = flag.Bool("paint", false, "hold the first paint to 200 ms, on a machine with nothing else to do")
	required = flag.Bool("required", false, "fail, instead of skipping, without chromium or axe-core")
	pictures = flag.String("pictures", "", "`folder` to write the pictures of the documentation into")
)

// shared is what is made once for all tests, and removed after them.
var shared struct {
	dir     string
	program func() (string, error)          // builds the program
	browser func() (context.Context, error) // starts chromium
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "browser-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	stop := func() {}
	defer func() { stop() }()
	shared.dir = dir
	shared.program = sync.OnceValues(buildProgram)
	shared.browser = sync.OnceValues(func() (ctx context.Context, err error) {
		ctx, stop, err = startChromium()
		return ctx, err
	})
	return m.Run()
}

// buildProgram builds the program, and returns its path.
func buildProgram() (string, error) {
	path := filepath.Join(shared.dir, "wedatasync")
	out, err := exec.Command("go", "build", "-C", "..", "-o", path, "./cmd/wedatasync").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
}

// findChromium returns the path of the browser: $CHROMIUM, or one of its usual names.
func findChromium() string {
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	return ""
}

// startChromium starts the browser that all tests share.
func startChromium() (context.Context, func(), error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(findChromium()),
		chromedp.UserDataDir(filepath.Join(shared.dir, "profile")),
		chromedp.NoSandbox, // it only sees pages of this repository
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("font-render-hinting", "none"),
	)
	allocated, free := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(allocated)
	stop := func() { end(); free() }
	if err := chromedp.Do(ctx); err != nil {
		return nil, stop, fmt.Errorf("start chromium: %w", err)
	}
	return ctx, stop, nil
}

// needsChromium skips the test where there is no browser.
func needsChromium(t testing.TB) {
	t.Helper()
	if findChromium() == "" {
		missing(t, "chromium is not installed: apt-get install chromium, or name one in $CHROMIUM")
	}
}

// axeSource is the script of axe-core; it skips the test where there is none.
func axeSource(t testing.TB) string {
	t.Helper()
	path := cmp.Or(os.Getenv("AXE_CORE"), "../dist/browser/node_modules/axe-core/axe.min.js")
	data, err := os.ReadFile(path)
	if err != nil {
		missing(t, "axe-core is not installed: npm install --prefix dist/browser axe-core, or name its axe.min.js in $AXE_CORE")
	}
	return string(data)
}

func missing(t testing.TB, what string) {
	t.Helper()
	if *required {
		t.Fatal(what)
	}
	t.Skip(what)
}
