package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// released are the files of a release by their names, as .ci/release and the workflow make
// them, with a program that says its version.
func released(t *testing.T, tag string) map[string][]byte {
	t.Helper()
	script, err := os.ReadFile(filepath.Join(top, ".ci", "release"))
	if err != nil {
		t.Fatal(err)
	}
	workflow, err := os.ReadFile(filepath.Join(top, ".github", "workflows", "release.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for text, has := range map[string]string{
		`name="wedatasync_${version}_${platform/\//_}"`:      string(script),
		`> "dist/release/$name.tar.gz"`:                      string(script),
		`-c LICENSE README.md man wedatasync`:                string(script),
		`> SHA256SUMS`:                                       string(script),
		`cp "$BUNDLE" dist/release/wedatasync.sigstore.json`: string(workflow),
	} {
		if !strings.Contains(has, text) {
			t.Fatalf("releases are not made as here: %s is missing", text)
		}
	}
	var archive bytes.Buffer
	zipped := gzip.NewWriter(&archive)
	tarred := tar.NewWriter(zipped)
	for _, f := range []struct{ name, text string }{{"LICENSE", "Apache"}, {"README.md", "# wedatasync"}, {"wedatasync", "#!/bin/sh\necho wedatasync " + tag + "\n"}} {
		if err := tarred.WriteHeader(&tar.Header{Name: f.name, Mode: 0o755, Size: int64(len(f.text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := tarred.Write([]byte(f.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tarred.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("wedatasync_%s_%s_%s.tar.gz", tag, runtime.GOOS, runtime.GOARCH)
	return map[string][]byte{
		name: archive.Bytes(), "wedatasync.sigstore.json": []byte("{}"),
		"SHA256SUMS": fmt.Appendf(nil, "%x  %s\n%x  plan.schema.json\n", sha256.Sum256(archive.Bytes()), name, sha256.Sum256(nil)),
	}
}

// TestCI_Download runs the step of the action that downloads a release, from a server on this
// machine.
func TestCI_Download(t *testing.T) {
	archive := fmt.Sprintf("wedatasync_v1.2.3_%s_%s.tar.gz", runtime.GOOS, runtime.GOARCH)
	const signed, unsigned = "exit 0", "exit 1"
	for _, tt := range []struct {
		name     string
		revision string // COMMIT and TAG are those of the repository
		change   func(files map[string][]byte)
		gh       string // what gh does; empty: it is not installed
		found    string // what is written to the outputs; empty: the step fails
		says     string
	}{
		{name: "a tag", revision: "v1.2.3", found: "true", says: "wedatasync v1.2.3\n"},
		{name: "without a tool for signatures", revision: "v1.2.3", found: "true", says: "The signature was not verified"},
		{name: "the commit of a tag", revision: "COMMIT", found: "true", says: "wedatasync v1.2.3\n"},
		{name: "signed", revision: "COMMIT", gh: signed, found: "true", says: "gh: attestation verify ARCHIVE --bundle BUNDLE --repo wedatasync/wedatasync --signer-workflow wedatasync/wedatasync/.github/workflows/release.yml --source-ref refs/tags/v1.2.3\n"},
		{name: "signed by another", revision: "v1.2.3", gh: unsigned, says: "::error title=wedatasync::The signature of " + archive + " is not that of the release v1.2.3"},
		{name: "not signed", revision: "v1.2.3", gh: signed, change: func(files map[string][]byte) { delete(files, "wedatasync.sigstore.json") }, says: "has no signature"},
		{name: "another archive", revision: "v1.2.3", change: func(files map[string][]byte) { files[archive] = append(files[archive], 0) }, says: "::error title=wedatasync::" + archive + " does not match the SHA256SUMS"},
		{name: "an archive that is gone", revision: "v1.2.3", change: func(files map[string][]byte) { delete(files, archive) }, says: "lacks " + archive},
		{name: "a tag without a release", revision: "v9.9.9", found: "false", says: "There is no release v9.9.9: it is built here\n"},
		{name: "a commit without a tag", revision: strings.Repeat("a", 40), found: "false", says: "has no tag: it is built here\n"},
		{name: "a branch", revision: "main", found: "false", says: `"main" is no tag of a release`},
		{name: "an action of the checkout", revision: "", found: "false", says: `"" is no tag of a release`},
		{name: "another system", revision: "v1.2.3", change: func(files map[string][]byte) {
			files["SHA256SUMS"] = []byte("00  wedatasync_v1.2.3_plan9_amd64.tar.gz\n")
		}, found: "false", says: "has no binary for"},
		{name: "a server that fails", revision: "v1.2.3", change: func(files map[string][]byte) { files["SHA256SUMS"] = nil }, says: "the server answers 403"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			files := released(t, "v1.2.3")
			if tt.change != nil {
				tt.change(files)
			}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				data, ok := files[strings.TrimPrefix(r.URL.Path, "/v1.2.3/")]
				switch {
				case !ok:
					http.NotFound(w, r)
				case data == nil:
					http.Error(w, "no", http.StatusForbidden)
				default:
					_, _ = w.Write(data)
				}
			}))
			defer server.Close()
			out, code := bash(t, dir, "git init -q -b main repository && cd repository && git commit -q --allow-empty -m One && git tag -a v1.2.3 -m Release && git rev-parse HEAD", nil)
			if code != 0 {
				t.Fatal(out)
			}
			// What is installed on this machine for signatures does not count.
			bin := filepath.Join(dir, "bin")
			script := "mkdir bin && for tool in bash sh awk curl git uname mktemp rm mkdir tar gzip sha256sum shasum cat; do found=$(command -v $tool) && ln -s \"$found\" bin/ || true; done"
			if tt.gh != "" {
				script += "\ncat > bin/gh <<'END'\n#!/bin/sh\necho gh: \"$@\" | sed -E 's| [^ ]*\\.tar\\.gz| ARCHIVE|; s| [^ ]*\\.json| BUNDLE|'\n" + tt.gh + "\nEND\nchmod +x bin/gh && ln -s \"$(command -v sed)\" bin/"
			}
			if out, code := bash(t, dir, script, nil); code != 0 {
				t.Fatal(out)
			}
			revision := strings.ReplaceAll(tt.revision, "COMMIT", strings.TrimSpace(out))
			step, err := filepath.Abs(filepath.Join(top, "deploy", "action", "download"))
			if err != nil {
				t.Fatal(err)
			}
			out, code = bash(t, dir, `"$STEP" "$REVISION" installed "$PWD/repository" "$SERVER"`,
				[]string{"PATH=" + bin, "STEP=" + step, "REVISION=" + revision, "SERVER=" + server.URL, "GITHUB_OUTPUT=" + filepath.Join(dir, "output")})
			written, _ := os.ReadFile(filepath.Join(dir, "output"))
			want := "found=" + tt.found + "\n"
			if tt.found == "" {
				want = ""
			}
			if (code == 0) != (tt.found != "") || string(written) != want || !strings.Contains(out, tt.says) {
				t.Errorf("exit code %d, outputs %q, want %q, and %q in:\n%s", code, written, want, tt.says, out)
			}
			if _, err := os.Stat(filepath.Join(dir, "installed", "wedatasync")); (err == nil) != (tt.found == "true") {
				t.Errorf("the program: %v", err)
			}
		})
	}
}
