package doctor

import (
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/source/signature"
)

// TestSigningKeys: that a key ends is told before.
func TestSigningKeys(t *testing.T) {
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		days  int
		level Level
		say   string
	}{
		{-1, LevelWarning, "no key that signs commits is valid any more, the last one ended 2026-05-31T00:00:00Z: ann"},
		{29, LevelWarning, "a key that signs commits ends 2026-06-30T00:00:00Z: ann: extend it"},
		{31, LevelOK, "the next key that ends"},
	} {
		var r result
		r.signingKeys(signature.Expiry{At: now.AddDate(0, 0, test.days), Key: "ann"}, now)
		if len(r.findings) != 1 || r.findings[0].Level != test.level || !strings.Contains(r.findings[0].Message, test.say) {
			t.Errorf("in %d days: %+v", test.days, r.findings)
		}
	}
	var r result
	if r.signingKeys(signature.Expiry{}, now); len(r.findings) > 0 {
		t.Errorf("without an end: %+v", r.findings)
	}
}
