package wedata

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/state"
)

func TestTextWithoutSecrets(t *testing.T) {
	const id, token = "AKIDcanary", "token/with+odd=chars"
	c := newCleaner([]string{id, "", "ab", id + "-longer", token})
	tests := []struct{ text, want string }{
		{"plain", "plain"},
		{"id " + id + ".", "id [redacted]."},
		{"twice " + id + id, "twice [redacted][redacted]"},
		{"the longer " + id + "-longer", "the longer [redacted]"},
		{"in a URL " + url.QueryEscape(token), "in a URL [redacted]"},
		{"in a path " + url.PathEscape(token), "in a path [redacted]"},
		{"in base64 " + base64.RawStdEncoding.EncodeToString([]byte(token)), "in base64 [redacted]"},
		{"in padded base64 " + base64.URLEncoding.EncodeToString([]byte(token)), "in padded base64 [redacted]"},
		{"nothing shorter than a secret: ab", "nothing shorter than a secret: ab"},
		{" lines\r\nand\ttabs ", "lines and tabs"},
		{"\x1b[31mred\x1b[0m", "[31mred [0m"},
		{"right-to-left \u202e, zero width a\u200bb, private \ue000", "right-to-left , zero width a b, private"},
		{"broken \xff", "broken \uFFFD"},
		{"部分失败 ü", "部分失败 ü"},
		{strings.Repeat("a", state.MaxMessage), strings.Repeat("a", state.MaxMessage)},
		{strings.Repeat("a", state.MaxMessage+1), strings.Repeat("a", state.MaxMessage-len("…")) + "…"},
		{strings.Repeat("界", state.MaxMessage), strings.Repeat("界", (state.MaxMessage-len("…"))/len("界")) + "…"},
		// A secret at the border is replaced before anything is cut.
		{strings.Repeat("a", state.MaxMessage-5) + id, strings.Repeat("a", state.MaxMessage-5) + "[r…"},
	}
	for _, tt := range tests {
		if got := c.text(tt.text); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
}
