package plain_test

import (
	"testing"

	"github.com/wedatasync/wedatasync/spec/internal/plain"
)

// TestRead names one of each form. That the forms are right, the real programs say.
func TestRead(t *testing.T) {
	for kind, texts := range map[plain.Kind][]string{
		plain.Text: {
			"", "orders", "kb947c997-4f91-4a1f-913d-06f66a5fb927", "3cd6b1b3-76a0-4147-8f0e-6df206bc58c0", "0", "-5", "201", "9007199254740991", "1.5", "0.1", "999999.5", "9007199254740992", "-9007199254740992",
			"1.2.3", "12-30", "1d", "e", "true", "false", "nothing", "yes!", "+", "-", "订单", "x1F", "1:2:", "<", "a=b", "1.10 Mbit",
		},
		plain.Number: {
			"007", "08", "-0", "+5", "1486804694126882817", "1000000000000000000000", "1.10", "1.0", "0.00001", "1.", ".5", ".", "1e3", "1E-3", "1.5e+3", "e3", "1e400",
			"0x1F", "0o17", "0b11", "1_000", "1,000", "1,0.5", "0X1F", "0O17", "0B11", "1000000.5", "10000000000000000", "18446744073709551616", "-9223372036854775809", "12:30", "12:30:45", "1:2.5", "+.inf", ".Inf", ".nan",
		},
		plain.Date:   {"2026-11-30", "2026-1-5", "2026-13-45", "2026-11-30T10:00:00Z", "2026-11-30 10:00:00.5 +08:00"},
		plain.Truth:  {"y", "N", "yes", "No", "ON", "off", "True", "FALSE"},
		plain.Symbol: {"=", "<<", ":orders"},
	} {
		for _, text := range texts {
			if got := plain.Read(text); got != kind {
				t.Errorf("%q is read as %q, want %q", text, got, kind)
			}
		}
	}
}
