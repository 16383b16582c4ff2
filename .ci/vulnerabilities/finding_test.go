package main

import (
	"slices"
	"strings"
	"testing"
)

// messages is what govulncheck writes, cut short.
const messages = `
{"config": {"go_version": "go1.26.8"}}
{"SBOM": {"go_version": "go1.26.8", "modules": [{"path": "example.com/product"}]}}
{"osv": {"id": "GO-1", "summary": "a loop without an end"}}
{"osv": {"id": "GO-2", "summary": "a panic"}}
{"finding": {"osv": "GO-1", "fixed_version": "v0.62.0", "trace": [{"module": "golang.org/x/net", "version": "v0.61.0"}]}}
{"finding": {"osv": "GO-1", "fixed_version": "v0.62.0", "trace": [
  {"module": "golang.org/x/net", "version": "v0.61.0", "package": "golang.org/x/net/html", "function": "Parse"},
  {"module": "example.com/product", "package": "example.com/product", "function": "main"}]}}
{"finding": {"osv": "GO-1", "fixed_version": "v0.62.0", "trace": [{"module": "golang.org/x/net", "version": "v0.61.0", "package": "golang.org/x/net/html"}]}}
{"finding": {"osv": "GO-2", "fixed_version": "v1.26.9", "trace": [{"module": "stdlib", "version": "v1.26.8", "package": "net/http"}]}}
`

// TestRead: a vulnerability is told once, and as near as it comes.
func TestRead(t *testing.T) {
	got, err := read(strings.NewReader(messages))
	if err != nil {
		t.Fatal(err)
	}
	want := []finding{
		{id: "GO-1", summary: "a loop without an end", module: "golang.org/x/net", version: "v0.61.0", fixed: "v0.62.0", reach: called},
		{id: "GO-2", summary: "a panic", module: stdlib, version: "v1.26.8", fixed: "v1.26.9", reach: imported},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestRead_Nothing: a scan that did not take place is no scan without findings.
func TestRead_Nothing(t *testing.T) {
	for _, in := range []string{"", `{"config": {}}`, `{"SBOM": {}} {"finding": `} {
		if got, err := read(strings.NewReader(in)); err == nil {
			t.Errorf("%q: %v", in, got)
		}
	}
}

func TestFails(t *testing.T) {
	const module = "golang.org/x/net"
	for _, test := range []struct {
		name   string
		f      finding
		served bool
		want   bool
	}{
		{"a newer module is there, and the program does not call it", finding{module: module, fixed: "v0.62.0"}, false, true},
		{"nothing mends the module, and the program calls it", finding{module: module, reach: called}, false, true},
		{"nothing mends the module, and the program does not call it", finding{module: module, reach: imported}, false, false},
		{"a newer Go is served", finding{module: stdlib, fixed: "v1.26.9", reach: called}, true, true},
		{"a newer Go exists, and is not served", finding{module: stdlib, fixed: "v1.26.9", reach: called}, false, false},
		{"nothing mends Go", finding{module: stdlib, reach: called}, true, false},
	} {
		served := func(version string) bool {
			if version != test.f.fixed {
				t.Errorf("%s: %s was asked for", test.name, version)
			}
			return test.served
		}
		if got := test.f.fails(served); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}
