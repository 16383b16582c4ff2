package gitremote

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseLocation(t *testing.T) {
	tests := []struct {
		location string
		want     address
		redacted string
	}{
		{"https://example.com/x.git", address{scheme: "https", url: "https://example.com/x.git"}, "https://example.com/x.git"},
		{"http://127.0.0.1:8080/x/", address{scheme: "http", url: "http://127.0.0.1:8080/x"}, "http://127.0.0.1:8080/x/"},
		{"ssh://git@example.com/team/x.git", address{scheme: "ssh", user: "git", addr: "example.com:22", path: "/team/x.git"}, "ssh://example.com/team/x.git"},
		{"ssh://example.com:2222/~ann/x", address{scheme: "ssh", addr: "example.com:2222", path: "~ann/x"}, "ssh://example.com:2222/~ann/x"},
		{"ssh://git@[::1]:2222/x", address{scheme: "ssh", user: "git", addr: "[::1]:2222", path: "/x"}, "ssh://[::1]:2222/x"},
		{"git@example.com:team/x.git", address{scheme: "ssh", user: "git", addr: "example.com:22", path: "team/x.git"}, "example.com:team/x.git"},
		{"example.com:/team/x.git", address{scheme: "ssh", addr: "example.com:22", path: "/team/x.git"}, "example.com:/team/x.git"},
		{"git@[::1]:x", address{scheme: "ssh", user: "git", addr: "[::1]:22", path: "x"}, "[::1]:x"},
		{"file:///srv/x.git", address{scheme: "file", path: "/srv/x.git"}, "file:///srv/x.git"},
		{"/srv/x.git", address{scheme: "file", path: "/srv/x.git"}, "/srv/x.git"},
		{"/srv/a:b@c", address{scheme: "file", path: "/srv/a:b@c"}, "/srv/a:b@c"},
	}
	for _, test := range tests {
		got, err := parseLocation(test.location)
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(address{})); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", test.location, err, diff)
		}
		if got := Redact(test.location); got != test.redacted {
			t.Errorf("%s is redacted as %s, want %s", test.location, got, test.redacted)
		}
	}
}

func TestRedact(t *testing.T) {
	for _, location := range []string{
		"https://ann:hunter2@example.com/x", "https://hunter2@example.com/x", "https://example.com/x?token=hunter2", "https://example.com/x#hunter2",
		"ssh://git:hunter2@example.com/x", "https://ann:hunter2%zz@example.com/x", "https://ann:hun ter2@example.com/x", "://hunter2@x",
		"ann:hunter2@example.com:x", "ftp://ann:hunter2@example.com", "https://a:b@hunter2@example.com/",
		"ann:hunter2@example.com://x", "ann:hunter2@\xe8\x7f://",
	} {
		if got := Redact(location); strings.Contains(got, "hunter2") || strings.Contains(got, "ter2") {
			t.Errorf("%s is redacted as %s", location, got)
		}
	}
}

// Where a URL can hold a password, it is refused, and never shown.
func FuzzRedact(f *testing.F) {
	f.Add("https://ann", "example.com/x")
	f.Add("ssh://", "[::1]:22/x?y#z")
	f.Add("ann", "example.com:x")
	f.Add("0", "\xe8\xe8\xe8!!!\x7f://")
	f.Fuzz(func(t *testing.T, before, after string) {
		location := before + ":hunter2@" + after
		_, user, isURL := strings.Cut(before, "://")
		if strings.Contains(before+after, "hunter2") || strings.ContainsAny(before, "\\@") || strings.ContainsAny(user, "/?#") || !isURL && strings.Contains(before, "/") {
			return
		}
		if got := Redact(location); strings.Contains(got, "hunter2") && (isURL || strings.Contains(after, ":")) {
			t.Errorf("%q is redacted as %q", location, got)
		}
		if r, err := parseLocation(location); isURL && (err == nil || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%q is read as %+v, %v", location, r, err)
		}
	})
}
