package secret_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/internal/secret"
)

// TestReplacer: a secret is found in whatever form, and whatever stands around it,
// and nothing of it is left that could be made into it again.
func TestReplacer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[!-~]{12,40}`).Draw(t, "secret")
		before, after := rapid.StringMatching(`[a-z ]{0,7}`).Draw(t, "before"), rapid.StringMatching(`[a-z ]{0,7}`).Draw(t, "after")
		whole := before + s + after
		quoted, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		clean := secret.Replacer("another-secret", s)
		for _, text := range []string{
			whole, string(quoted), fmt.Sprintf("%q", whole), html.EscapeString(whole),
			url.QueryEscape(whole), url.PathEscape(whole),
			base64.StdEncoding.EncodeToString([]byte(whole)), base64.URLEncoding.EncodeToString([]byte(whole)),
		} {
			got := clean.Replace(text)
			if !strings.Contains(got, secret.Redacted) {
				t.Fatalf("%q is in %q", s, got)
			}
		}
	})
}

// TestReplacer_Words: what is too short to be a secret tears no word apart.
func TestReplacer_Words(t *testing.T) {
	const text = "the value 1 of true is not production"
	if got := secret.Replacer("", "1", "true", "on").Replace(text); got != text {
		t.Errorf("got %q", got)
	}
	if got := secret.Forms(""); len(got) != 0 {
		t.Errorf("nothing has the forms %q", got)
	}
	if got := secret.Replacer("production").Replace(text); got != "the value 1 of true is not [redacted]" {
		t.Errorf("got %q", got)
	}
}
