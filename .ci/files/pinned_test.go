package files

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestGoIsOne: the Go of go.mod's toolchain line is the one that the examples ask for.
func TestGoIsOne(t *testing.T) {
	m := regexp.MustCompile(`(?m)^toolchain (go\S+)$`).FindSubmatch(read(t, filepath.Join(top, "go.mod")))
	if m == nil {
		t.Fatal("go.mod has no toolchain line")
	}
	image := regexp.MustCompile(`golang:\S+@sha256:[0-9a-f]{64}`)
	want := image.FindString(string(read(t, filepath.Join(top, "Dockerfile"))))
	examples, err := filepath.Glob(filepath.Join(top, "examples", "ci", "*"))
	if err != nil || len(examples) < 5 {
		t.Fatalf("the examples are %v, %v", examples, err)
	}
	for _, name := range examples {
		switch text := string(read(t, name)); {
		case !strings.Contains(text, "golang:"): // its runner has a Go of its own
		case image.FindString(text) != want:
			t.Errorf("%s does not have the image %s", name, want)
		case !regexp.MustCompile(`GOTOOLCHAIN\W+` + regexp.QuoteMeta(string(m[1])) + `\b`).MatchString(text):
			t.Errorf("%s does not set GOTOOLCHAIN to %s", name, m[1])
		}
	}
}

// TestDependabot: every module is kept current, and so are the base image and the actions.
func TestDependabot(t *testing.T) {
	var config struct {
		Updates []struct {
			Ecosystem   string `json:"package-ecosystem"`
			Directories []string
		}
	}
	if err := yaml.Unmarshal(read(t, filepath.Join(top, ".github", "dependabot.yml")), &config); err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, u := range config.Updates {
		got[u.Ecosystem] = append(got[u.Ecosystem], u.Directories...)
	}
	var modules []string
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(top, path)
		if err == nil && entry.IsDir() && (rel == ".git" || rel == "dist") {
			return fs.SkipDir
		}
		if entry.Name() == "go.mod" {
			modules = append(modules, filepath.ToSlash(filepath.Join("/", filepath.Dir(rel))))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(modules)
	slices.Sort(got["gomod"])
	if !slices.Equal(got["gomod"], modules) {
		t.Errorf("it keeps the modules %v current, not %v", got["gomod"], modules)
	}
	for _, ecosystem := range []string{"docker", "github-actions"} {
		if !slices.Equal(got[ecosystem], []string{"/"}) {
			t.Errorf("%s: it looks at %v", ecosystem, got[ecosystem])
		}
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
