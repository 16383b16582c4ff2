package bench_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// BenchmarkAction runs the steps of the GitHub Action for a pull request: the download of the
// program from a server on this machine, its checksum, and the plan, in a repository of
// 100,000 specs.
func BenchmarkAction(b *testing.B) {
	files := 100_000
	if testing.Short() {
		files = 1_000
	}
	repo := repository(b, files)
	binary, err := program()
	must(b, err)
	name := fmt.Sprintf("wedatasync_v1.0.0_%s_%s.tar.gz", runtime.GOOS, runtime.GOARCH)
	archive := packed(b, binary)
	sums := fmt.Appendf(nil, "%x  %s\n", sha256.Sum256(archive), name)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1.0.0/SHA256SUMS":
			_, _ = w.Write(sums)
		case "/v1.0.0/" + name:
			_, _ = w.Write(archive)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	step, err := filepath.Abs("../deploy/action/download")
	must(b, err)
	var ours sample
	for b.Loop() {
		dir := b.TempDir()
		// Without gh and cosign: to verify a signature takes the network.
		download := exec.CommandContext(b.Context(), "bash", "-c", `command() { [ "$2" != gh ] && [ "$2" != cosign ] && builtin command "$@"; }; export -f command; exec "$@"`, "bash",
			"bash", step, "v1.0.0", dir, repo, server.URL)
		download.Env = append(os.Environ(), "GITHUB_OUTPUT="+filepath.Join(dir, "output"))
		begun := time.Now()
		expect(b, download, "wedatasync")
		expect(b, exec.CommandContext(b.Context(), filepath.Join(dir, "wedatasync"), "plan", "--source", repo, "--against", "main", "--validate"), fmt.Sprintf("%d commits will be sent", changed))
		ours = append(ours, time.Since(begun))
	}
	b.ReportMetric(float64(ours.median()), "median-ns")
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(len(archive))/MB, "archive-MB")
}

// packed is an archive of a release with the program.
func packed(b *testing.B, binary string) []byte {
	b.Helper()
	data, err := os.ReadFile(binary)
	must(b, err)
	var archive bytes.Buffer
	zipped := gzip.NewWriter(&archive)
	tarred := tar.NewWriter(zipped)
	must(b, tarred.WriteHeader(&tar.Header{Name: "wedatasync", Mode: 0o755, Size: int64(len(data))}))
	_, err = io.Copy(tarred, bytes.NewReader(data))
	must(b, err)
	must(b, tarred.Close())
	must(b, zipped.Close())
	return archive.Bytes()
}
