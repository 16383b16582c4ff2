package browser_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is a page that somebody looks at.
type tab struct {
	testing.TB
	ctx context.Context
	url string // of the daemon

	mu         sync.Mutex
	complaints []string // of the browser
}

// open opens a page of the daemon in a window of its own. Whatever the browser
// complains of by the end of the test (a script that fails, a policy that is violated)
// fails it.
func (w *world) open(path string) *tab {
	w.Helper()
	p := w.blank()
	p.visit(path)
	return p
}

// blank opens an empty window.
func (w *world) blank() *tab {
	w.Helper()
	browser, err := shared.browser()
	if err != nil {
		w.Fatal(err)
	}
	ctx, end := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	p := &tab{TB: w.TB, ctx: ctx, url: w.url}
	w.Cleanup(func() {
		end()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, c := range p.complaints {
			w.Errorf("the browser complains: %s", c)
		}
	})
	p.check(chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)))
	p.check(chromedp.Listen(ctx, p.listen))
	_, err = chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	p.check(err)
	return p
}

func (p *tab) check(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *tab) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *cdplog.EventEntryAdded:
		// A page of plain text has no icon, and the browser looks for one.
		if l := e.Entry.Level; (l == cdplog.EntryLevelError || l == cdplog.EntryLevelWarning) && !strings.HasSuffix(e.Entry.URL, "/favicon.ico") {
			p.complaints = append(p.complaints, string(e.Entry.Source)+": "+e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		p.complaints = append(p.complaints, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		p.complaints = append(p.complaints, "console: "+string(e.Type))
	}
}

// visit goes to a page of the daemon.
func (p *tab) visit(path string) {
	p.Helper()
	p.check(chromedp.Do(p.ctx, chromedp.Navigate(p.url+path)))
}

// eval asks the page.
func eval[T any](p *tab, script string) T {
	p.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		p.Fatalf("%s: %v", script, err)
	}
	return v
}

// text is all that can be seen of the page; nothing while another one comes.
func (p *tab) text() string {
	p.Helper()
	seen, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.body?.innerText ?? ""`))
	return strings.Join(strings.Fields(seen), " ")
}

// shows waits until the page shows each of the texts, by itself.
func (p *tab) shows(texts ...string) {
	p.Helper()
	p.until(strings.Join(texts, ", "), func(seen string) bool {
		for _, t := range texts {
			if !strings.Contains(seen, t) {
				return false
			}
		}
		return true
	})
}

// until waits until what can be seen of the page is as it should be.
func (p *tab) until(what string, ok func(seen string) bool) {
	p.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(30 * time.Millisecond) {
		seen := p.text()
		if ok(seen) {
			return
		}
		if time.Now().After(deadline) {
			p.Fatalf("after %v the page does not show: %s\n%s", patience, what, seen)
		}
	}
}

// commands are what the page tells to type, as it shows them.
func (p *tab) commands() []string {
	p.Helper()
	return eval[[]string](p, `[...document.querySelectorAll(".command code")].map(c => c.innerText)`)
}

// scheme has the browser prefer light or dark.
func (p *tab) scheme(name string) {
	p.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
	p.check(err)
}

// phone makes the window as large as that of a phone.
func (p *tab) phone() {
	p.Helper()
	p.check(chromedp.Do(p.ctx, chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch)))
}
