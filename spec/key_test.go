package spec_test

import (
	"os/exec"
	"testing"

	"github.com/wedatasync/wedatasync/spec"
)

// TestKey_ShellWord asks a real shell what it makes of a key: the key itself.
func TestKey_ShellWord(t *testing.T) {
	for _, task := range []string{
		"kb947c997-4f91-4a1f-913d-06f66a5fb927", "a;reboot", "$(id)", "`id`", "a'b", "''", "a\"b", `a\b`, "*", "~", "a|b", "a&b", "a>b", "(a)", "{a,b}", "#a", "!a", "数据",
	} {
		key := spec.Key{ProjectID: "1", TaskID: task}
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+key.ShellWord()).Output()
		if err != nil || string(out) != key.String() {
			t.Errorf("%s is %q to a shell (%v), want %q", key.ShellWord(), out, err, key)
		}
	}
}
