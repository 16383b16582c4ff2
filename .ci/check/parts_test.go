package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestCIRunsEveryPart: the workflow runs each part of .ci/run once, all but the one that
// needs a quiet machine; each part is a function of the script.
func TestCIRunsEveryPart(t *testing.T) {
	script, workflow := read(t, "../run"), read(t, "../../.github/workflows/ci.yml")
	parts := strings.Fields(regexp.MustCompile(`(?m)^parts=\((.*)\)$`).FindStringSubmatch(script)[1])
	for _, part := range parts {
		if !strings.Contains(script, "\npart_"+part+"() {\n") {
			t.Errorf("there is no function for the part %s", part)
		}
	}
	var run []string
	matrix := regexp.MustCompile(`(?m)^ +parts:\n((?: +- .*\n)+)`).FindStringSubmatch(workflow)[1]
	for line := range strings.Lines(matrix) {
		run = append(run, strings.Fields(line)[1:]...)
	}
	run = append(run, "pace")
	slices.Sort(run)
	slices.Sort(parts)
	if !slices.Equal(run, parts) {
		t.Errorf("the workflow runs %q, and the parts are %q", run, parts)
	}
}

// TestMakefile: what it calls are parts.
func TestMakefile(t *testing.T) {
	script, makefile := read(t, "../run"), read(t, "../../Makefile")
	called := regexp.MustCompile(`\.ci/run (\w+)`).FindAllStringSubmatch(makefile, -1)
	if len(called) < 5 {
		t.Errorf("it calls only %d parts: is the test looking at them?", len(called))
	}
	for _, m := range called {
		if !strings.Contains(script, "\npart_"+m[1]+"() {\n") {
			t.Errorf("it calls the part %s, which there is not", m[1])
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
