package sqlstore_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// TestPostgreSQLKnowsEveryStatement has PostgreSQL, without a server, make the
// tables and prepare each statement as it stands here.
func TestPostgreSQLKnowsEveryStatement(t *testing.T) {
	if !*long {
		t.Skip("needs -long")
	}
	if _, err := exec.LookPath("initdb"); err != nil {
		t.Skip("needs PostgreSQL")
	}
	dir, err := os.MkdirTemp("", "wedatasync-state-*")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	asOther := func(name string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		if os.Getuid() == 0 { // which PostgreSQL refuses to run as
			becomeNobody(cmd)
		}
		return cmd
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	if out, err := asOther("initdb", "-D", data, "--no-sync", "--locale=C").CombinedOutput(); err != nil {
		t.Skipf("make a database: %v: %s", err, out)
	}
	var schema strings.Builder
	for v := 1; v <= sqlstore.SchemaVersion; v++ {
		text, err := os.ReadFile(filepath.Join("migrations", fmt.Sprintf("%d.sql", v)))
		if err != nil {
			t.Fatal(err)
		}
		schema.Write(text)
	}
	cmd := asOther("postgres", "--single", "-j", "-D", data, "template1")
	// With -j, a command ends with a semicolon and an empty line.
	var script strings.Builder
	script.WriteString(strings.ReplaceAll(schema.String(), "\n\n", "\n") + "\n\n")
	script.WriteString(strings.Join(strings.Fields(sqlstore.CreateNotices), " ") + ";\n\n")
	for name, text := range sqlstore.Statements() {
		script.WriteString("PREPARE " + name + " AS " + strings.Join(strings.Fields(text), " ") + ";\n\n")
	}
	cmd.Stdin = strings.NewReader(script.String())
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "ERROR") {
		t.Errorf("%v: %s", err, out)
	}
}
