package output

import (
	"io"
	"os"
	"testing"

	"github.com/wedatasync/wedatasync/internal/report"
)

// TestFullDisk: a file that cannot be written is an error, and never a plan that is cut.
func TestFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	for _, format := range Formats {
		var f Flags
		if err := f.targets.Set(format + "=/dev/full"); err != nil {
			t.Fatal(err)
		}
		d := Validation(report.Validation{Files: 1, Specs: 1}, nil)
		if err := f.Write(Streams{Out: io.Discard, Err: io.Discard}, d, 20); err == nil && format != "github" { // which has nothing to say
			t.Errorf("%s: a full disk is no error", format)
		}
	}
}
