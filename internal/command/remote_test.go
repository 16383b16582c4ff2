package command

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/config"
)

// TestFetchState_CAFile reads a state over TLS by the authorities that --ca-file names.
func TestFetchState_CAFile(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"": "certificate", path: "answers 404", path + ".gone": "--ca-file"} {
		s := config.Settings{Git: config.GitSettings{CAFile: file}}
		if _, err := fetchState(t.Context(), server.URL+"/api/v1/state", "", &s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("with the file %q: error %v, want one with %q", file, err, want)
		}
	}
}
