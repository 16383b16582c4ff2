package chart_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve/chart"
)

var update = flag.Bool("update", false, "write the pictures of testdata anew")

// hostile would be markup, if it were not escaped.
const hostile = `"><script>alert(1)</script><a href="javascript:x" onload='`

func pictures() map[string]template.HTML {
	graph := chart.Graph{
		Title: "Dependencies of report", Desc: "report waits for orders, which blocks it.",
		Columns: [][]chart.Node{
			{{Name: "clicks", State: "in sync", Tone: "ok", Href: "/task/1/clicks"}, {Name: "点击流同步到数据仓库的明细层", State: "locked", Tone: "wait", Href: "/task/1/orders", Blocks: true}},
			{{Name: "report", State: "waits for another", Tone: "wait", Here: true}},
			{{Name: "a name that is much longer than its box", State: "to send", Tone: "busy", Href: "/task/1/mail"}, {Name: "and 12 more", Tone: "calm"}},
		},
		Edges: []chart.Edge{
			{From: chart.Place{Row: 0}, To: chart.Place{Column: 1}},
			{From: chart.Place{Row: 1}, To: chart.Place{Column: 1}, Blocks: true},
			{From: chart.Place{Column: 1}, To: chart.Place{Column: 2}},
			{From: chart.Place{Column: 1}, To: chart.Place{Column: 2, Row: 1}},
		},
	}
	return map[string]template.HTML{
		"graph":         graph.Draw(),
		"graph-hostile": chart.Graph{Title: hostile, Desc: hostile, Columns: [][]chart.Node{{{Name: hostile, State: hostile, Tone: hostile, Href: "/" + hostile}}}}.Draw(),
		"pace":          chart.Pace{Seconds: []int{0, 3, 19, 20, 18, 0}, Limit: 20, Title: "Pace", Desc: "18 a second"}.Columns(),
		"pace-none":     chart.Pace{Limit: 20, Title: hostile, Desc: hostile}.Columns(),
		"follow": chart.Follow{Bound: 60, Title: "Lag", Desc: "falls", Looks: []chart.Look{
			{Lag: 900}, {After: 60, Lag: 500, Restarted: true}, {After: 90, Lag: -1}, {After: 120, Lag: 30}, {After: 600, Lag: 0, Restarted: true},
		}}.Draw(),
		"follow-none": chart.Follow{Title: hostile, Desc: hostile, Looks: []chart.Look{{Lag: -1}}}.Draw(),
		"length":      chart.Length{Took: 12 * time.Second, Most: time.Hour, Tone: "ok", Label: "12 s"}.Bar(),
		"length-open": chart.Length{Took: 2 * time.Hour, Tone: "busy", Open: true, Label: hostile}.Bar(),
	}
}

// TestPictures compares each picture with the one that was looked at.
func TestPictures(t *testing.T) {
	for name, got := range pictures() {
		path := filepath.Join("testdata", name+".svg")
		if *update {
			if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(got), "><", ">\n<")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.ReplaceAll(string(got), "><", ">\n<") + "\n"; text != string(want) {
			t.Errorf("%s is another picture:\n%s", name, text)
		}
	}
}

// TestPicturesAreInert: a picture is one well-formed element, whatever its texts are, without
// scripts, handlers, and colours of its own: the page's policy allows none of these.
func TestPicturesAreInert(t *testing.T) {
	for name, picture := range pictures() {
		d := xml.NewDecoder(strings.NewReader(string(picture)))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			e, is := token.(xml.StartElement)
			if is && e.Name.Local == "script" {
				t.Errorf("%s has a script", name)
			}
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "style" || a.Name.Local == "fill" || a.Name.Local == "href" && !strings.HasPrefix(a.Value, "/") {
					t.Errorf("%s has %s=%q", name, a.Name.Local, a.Value)
				}
			}
		}
	}
}

// TestLengthsCompare: more time is a longer bar, the longest fills the width, and the
// shortest can be seen.
func TestLengthsCompare(t *testing.T) {
	most := 10 * time.Hour
	last := ""
	for _, took := range []time.Duration{0, 5 * time.Second, time.Minute, time.Hour, most} {
		bar := string(chart.Length{Took: took, Most: most}.Bar())
		_, width, _ := strings.Cut(bar, `class="" width="`)
		width, _, _ = strings.Cut(width, `"`)
		width = strings.Repeat(" ", 3-len(width)) + width
		if width <= last || width == "  0" {
			t.Errorf("%v is %s wide, after %s", took, width, last)
		}
		last = width
	}
	if last != "200" {
		t.Errorf("the longest is %s wide", last)
	}
}
