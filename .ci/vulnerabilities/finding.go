package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// reach is how near the program comes to what is vulnerable.
type reach int

const (
	required reach = iota // a module of the build has it
	imported              // a package that is linked has it
	called                // the program calls it
)

func (r reach) String() string {
	return [...]string{"required", "imported", "called"}[r]
}

// stdlib is what govulncheck calls the module of the standard library.
const stdlib = "stdlib"

// finding is a vulnerability in a module, or in the standard library.
type finding struct {
	id, summary            string
	module, version, fixed string // fixed is empty where nothing mends it yet
	reach                  reach
}

func (f finding) String() string {
	mended := "not mended yet"
	if f.fixed != "" {
		mended = "mended by " + f.fixed
	}
	return fmt.Sprintf("%s %s %s is %s, %s: %s", f.id, f.module, f.version, f.reach, mended, f.summary)
}

// fails reports whether something can be done about the finding: a newer module is there,
// a newer Go is served, or, for modules, the program can stop calling it.
func (f finding) fails(served func(version string) bool) bool {
	if f.module == stdlib {
		return f.fixed != "" && served(f.fixed)
	}
	return f.fixed != "" || f.reach == called
}

// read reads the messages of govulncheck -format json. A vulnerability of a module is one
// finding, with its nearest reach, however many traces there are.
func read(r io.Reader) ([]finding, error) {
	summaries := map[string]string{}
	found := map[[2]string]finding{}
	scanned := false
	for dec := json.NewDecoder(r); ; {
		var message struct {
			SBOM *struct{} `json:"SBOM"`
			OSV  *struct {
				ID, Summary string
			}
			Finding *struct {
				OSV          string
				FixedVersion string `json:"fixed_version"`
				Trace        []struct{ Module, Version, Package, Function string }
			}
		}
		if err := dec.Decode(&message); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		scanned = scanned || message.SBOM != nil
		if message.OSV != nil {
			summaries[message.OSV.ID] = message.OSV.Summary
		}
		if f := message.Finding; f != nil && len(f.Trace) > 0 {
			at, near := f.Trace[0], required
			switch {
			case at.Function != "":
				near = called
			case at.Package != "":
				near = imported
			}
			key := [2]string{f.OSV, at.Module}
			near = max(near, found[key].reach)
			found[key] = finding{id: f.OSV, module: at.Module, version: at.Version, fixed: f.FixedVersion, reach: near}
		}
	}
	if !scanned {
		return nil, errors.New("it has no list of modules: nothing was scanned")
	}
	var all []finding
	for _, f := range found {
		f.summary = summaries[f.id]
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b finding) int {
		return cmp.Or(strings.Compare(a.module, b.module), strings.Compare(a.id, b.id))
	})
	return all, nil
}
