package main

import (
	"strings"
	"testing"
	"testing/fstest"
)

// TestWords: what users read here has none of the words.
func TestWords(t *testing.T) {
	t.Chdir("../..")
	found, err := wording()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range found {
		t.Error(s)
	}
}

// TestWordsAreFound: each kind of text is read, up to its end.
func TestWordsAreFound(t *testing.T) {
	fsys := fstest.MapFS{}
	for name, text := range map[string]string{
		"docs/a.md":            "A task `is gone`, and\nit goes\non: `task.person` and `person` are names.\n",
		"internal/a/a.go":      "package a\n\nimport _ \"told\"\n\n// told\ntype a struct{ b int `told:\"is told now\"` }\n\nvar _ = \"a verdict now\" + `and\nnobody is told`\n",
		"internal/a/a_test.go": "package a\n\nvar _ = \"is told now\"\n",
		"internal/a/a.html":    "<p class=\"person look\">A look.</p>\n",
		"internal/a/b.go":      "package a\n\nvar _, _ = \"person\", \"/api/look\"\n",
		"CHANGELOG.md":         "It is told.\n",
	} {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	found, err := findWords(fsys)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range found {
		got = append(got, s.at+" "+s.text)
	}
	want := []string{
		"docs/a.md:1 is gone", "docs/a.md:3 goes on",
		"internal/a/a.go:8:9 verdict", "internal/a/a.go:8:27 told",
		"internal/a/a.html:1 look",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
