package state_test

import (
	"testing"

	"github.com/wedatasync/wedatasync/state"
)

func TestWeDataTime(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"2026-12-01 07:54:49":  "2026-12-01 07:54:49 +08:00 (2026-11-30T23:54:49Z)",
		"":                     "",
		"yesterday":            "yesterday",
		"2026-12-01T07:54:49Z": "2026-12-01T07:54:49Z",
	} {
		if got := state.WeDataTime(said); got != want {
			t.Errorf("WeDataTime(%q) = %q, want %q", said, got, want)
		}
	}
}
