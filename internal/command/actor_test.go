package command

import (
	"os/user"
	"testing"
)

// TestActor: --as goes beside the user who runs the command, and never in its place.
func TestActor(t *testing.T) {
	for _, tt := range []struct{ user, as, want string }{
		{"lin", "", "lin"}, {"lin", "lin", "lin"}, {"lin", "ops", "lin (as ops)"}, {"root", "lin", "root (as lin)"},
	} {
		if got := actorOf(tt.user, tt.as); got != tt.want {
			t.Errorf("%s as %q is %q, want %q", tt.user, tt.as, got, tt.want)
		}
	}
}

// TestLogin: the environment says who somebody is for root alone.
func TestLogin(t *testing.T) {
	env := map[string]string{"USER": "mallory", "LOGNAME": "mallory"}
	getenv := func(name string) string { return env[name] }
	root, err := user.LookupId("0")
	if err != nil {
		t.Skip("root has no name: ", err)
	}
	const nobody = 1<<31 - 7 // an id that no user has
	if got := login(0, getenv); got != root.Username {
		t.Errorf("root is %q, want %q", got, root.Username)
	}
	env["SUDO_USER"] = "ada"
	if got := login(0, getenv); got != "ada" {
		t.Errorf("root under sudo is %q, want ada", got)
	}
	if got, want := login(nobody, getenv), "uid 2147483641"; got != want {
		t.Errorf("a user without a name is %q, want %q", got, want)
	}
}
