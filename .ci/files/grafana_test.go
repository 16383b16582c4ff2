package files

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGrafana: each panel of the dashboard says in a sentence what it shows.
func TestGrafana(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(top, "deploy", "grafana", "wedatasync.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title, Description string
			Targets            []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(data, &dashboard); err != nil {
		t.Fatal(err)
	}
	if len(dashboard.Panels) < 17 {
		t.Errorf("there are only %d panels", len(dashboard.Panels))
	}
	for _, p := range dashboard.Panels {
		if !strings.HasSuffix(p.Description, ".") {
			t.Errorf("%s: the description is %q", p.Title, p.Description)
		}
		for _, target := range p.Targets {
			if strings.Contains(target.Expr, "standing") {
				t.Errorf("%s: a label that is deprecated: %s", p.Title, target.Expr)
			}
		}
	}
}
