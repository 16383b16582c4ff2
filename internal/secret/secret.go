// Package secret holds secrets so that nothing shows them ([Value]), and takes them out
// of text that others wrote, since a server can repeat in an error what it was sent, as
// it was or in another form ([Replacer]). And it says over which connections one may
// leave.
//
// What may enter: how a secret is held, its forms, and the rule for its way out. Not what
// secrets are for.
package secret

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
)

// Redacted stands where a secret was.
const Redacted = "[redacted]"

const (
	// least is the length from which a secret is looked for. Anything shorter is none,
	// and would tear words apart.
	least = 6
	// leastCore is the same for a part of Base64.
	leastCore = 10
)

// Replacer returns what replaces the secrets, in all their forms.
func Replacer(secrets ...string) *strings.Replacer {
	var forms []string
	for _, s := range secrets {
		if len(s) >= least {
			forms = append(forms, Forms(s)...)
		}
	}
	// The longest first: one secret can begin with another.
	slices.SortStableFunc(forms, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	pairs := make([]string, 0, 2*len(forms))
	for _, f := range forms {
		pairs = append(pairs, f, Redacted)
	}
	return strings.NewReplacer(pairs...)
}

// Forms returns the secret as it can stand in a text: as it is, and as it is written
// in a URL, in JSON, in HTML, and in Base64, whatever stands before and after it.
func Forms(s string) []string {
	forms := []string{s, url.QueryEscape(s), url.PathEscape(s), html.EscapeString(s)}
	for _, f := range forms[1:3] {
		forms = append(forms, strings.ToLower(f)) // of what is escaped; the rest seldom counts
	}
	if quoted, err := json.Marshal(s); err == nil {
		forms = append(forms, string(quoted[1:len(quoted)-1]))
	}
	forms = append(forms, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s))
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		forms = append(forms, encoding.EncodeToString([]byte(s)), encoding.WithPadding(base64.StdPadding).EncodeToString([]byte(s)))
		for before := range 3 {
			forms = append(forms, core(encoding, s, before))
		}
	}
	slices.Sort(forms)
	return slices.DeleteFunc(slices.Compact(forms), func(f string) bool { return f == "" })
}

// core returns the part of the Base64 of a text that depends on the secret alone, if
// so many bytes, modulo 3, stand before it.
func core(encoding *base64.Encoding, s string, before int) string {
	text := encoding.EncodeToString([]byte(strings.Repeat("\x00", before) + s))
	begin := before
	if before > 0 {
		begin++ // this one has bits of what stands before
	}
	if end := (before + len(s)) * 8 / 6; end-begin >= leastCore {
		return text[begin:end]
	}
	return ""
}
