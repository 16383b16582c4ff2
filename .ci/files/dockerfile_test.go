package files

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/opencontainers/go-digest"
)

// noRegistry answers for every base image that it is empty: no network is asked. It
// remembers what it was asked for.
type noRegistry struct{ refs *[]string }

func (r noRegistry) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	*r.refs = append(*r.refs, ref)
	config, err := json.Marshal(map[string]any{"architecture": "amd64", "os": "linux", "config": map[string]any{}})
	return ref, "", config, err
}

func convertOpt() dockerfile2llb.ConvertOpt {
	return dockerfile2llb.ConvertOpt{MetaResolver: noRegistry{new([]string)}, Config: dockerui.Config{Labels: map[string]string{}}}
}

// TestDockerfile_Lint runs the checks of docker build --check.
func TestDockerfile_Lint(t *testing.T) {
	data := readDockerfile(t)
	opt := convertOpt()
	opt.SourceMap = llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", data)
	opt.SourceMap.Definition = new(llb.Definition)
	results, err := dockerfile2llb.DockerfileLint(t.Context(), data, opt)
	if err != nil {
		t.Fatal(err)
	}
	if results.Error != nil {
		t.Error(results.Error.Message)
	}
	for _, w := range results.Warnings {
		t.Errorf("%s: %s", w.RuleName, w.Detail)
	}
}

// TestDockerfile_Image: what runs is the binary alone, as a user who is nobody.
func TestDockerfile_Image(t *testing.T) {
	result, err := dockerfile2llb.Dockerfile2LLB(t.Context(), readDockerfile(t), convertOpt())
	if err != nil {
		t.Fatal(err)
	}
	c := result.Image.Config
	if c.User != "65532:65532" || c.WorkingDir != "/var/lib/wedatasync" || !slices.Equal(c.Entrypoint, []string{"/usr/local/bin/wedatasync"}) {
		t.Errorf("it runs %v as %q in %q", c.Entrypoint, c.User, c.WorkingDir)
	}
	if _, ok := c.Volumes["/var/lib/wedatasync"]; !ok || len(c.Volumes) != 1 {
		t.Errorf("its volumes are %v", c.Volumes)
	}
	for _, name := range []string{"title", "description", "source", "licenses"} {
		if c.Labels["org.opencontainers.image."+name] == "" {
			t.Errorf("it has no label %s", name)
		}
	}
}

// TestDockerfile_Pinned: what it is built with is named by digest, which, unlike a tag,
// always means the same. Only the compiler comes on top, by go.mod.
func TestDockerfile_Pinned(t *testing.T) {
	var refs []string
	opt := convertOpt()
	opt.MetaResolver = noRegistry{&refs}
	data := readDockerfile(t)
	if _, err := dockerfile2llb.Dockerfile2LLB(t.Context(), data, opt); err != nil {
		t.Fatal(err)
	}
	if len(refs) == 0 {
		t.Error("no base image was asked for: is the test looking at them?")
	}
	for _, ref := range refs {
		if _, d, _ := strings.Cut(ref, "@"); digest.Digest(d).Validate() != nil {
			t.Errorf("base image %s has no digest", ref)
		}
	}
	if first, _, _ := strings.Cut(string(data), "\n"); strings.Contains(first, "syntax=") {
		t.Errorf("%s is an image, too", first)
	}
}

func readDockerfile(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(top, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
