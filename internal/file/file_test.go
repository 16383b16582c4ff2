package file_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/file"
)

func write(t *testing.T, name, text string, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}

// TestRead reads regular files up to their bound, behind links too, and nothing else.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	small := write(t, "small", "text", 0o600)
	link := filepath.Join(dir, "link")
	if err := os.Symlink(small, link); err != nil {
		t.Fatal(err)
	}
	endless := filepath.Join(dir, "endless")
	if err := os.Symlink("/dev/zero", endless); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for _, tt := range []struct {
		name, path string
		most       int64
		want       error
	}{
		{"a file", small, 4, nil},
		{"a link", link, 4, nil},
		{"one byte too many", small, 3, file.ErrTooLarge},
		{"a file that says it is empty and is not", "/proc/self/status", 16, file.ErrTooLarge},
		{"nothing", filepath.Join(dir, "gone"), 4, fs.ErrNotExist},
		{"a folder", dir, 4, file.ErrNotRegular},
		{"a device", "/dev/zero", 4, file.ErrNotRegular},
		{"a link to a device", endless, 4, file.ErrNotRegular},
		{"a socket", filepath.Join(dir, "socket"), 4, file.ErrNotRegular},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data, err := file.Read("--that-file", tt.path, tt.most)
			if !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			if tt.want == nil && string(data) != "text" {
				t.Errorf("read %q", data)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "--that-file: ") {
				t.Errorf("the error does not name the flag: %v", err)
			}
		})
	}
}

// TestReadSecret warns once of a file that others can read, and never shows it.
func TestReadSecret(t *testing.T) {
	for _, tt := range []struct {
		mode fs.FileMode
		by   string
	}{{0o600, ""}, {0o400, ""}, {0o620, ""}, {0o640, `by="its group"`}, {0o644, "by=everybody"}, {0o604, "by=everybody"}} {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, nil))
		path := write(t, "secret", "correct horse", tt.mode)
		for range 3 {
			if data, err := file.ReadSecret("--that-file", path, 64, log); err != nil || string(data) != "correct horse" {
				t.Fatalf("read %q, error %v", data, err)
			}
		}
		want := 0
		if tt.by != "" {
			want = 1
		}
		if got := strings.Count(out.String(), "level=WARN"); got != want {
			t.Errorf("mode %v: %d warnings, want %d: %s", tt.mode, got, want, &out)
		}
		for _, part := range []string{tt.by, "setting=--that-file", "path=" + path, "mode=" + tt.mode.String(), "make it 0600"} {
			if want > 0 && !strings.Contains(out.String(), part) {
				t.Errorf("mode %v: the warning does not have %q: %s", tt.mode, part, &out)
			}
		}
		if strings.Contains(out.String(), "correct horse") {
			t.Errorf("the warning has the secret: %s", &out)
		}
	}
}
