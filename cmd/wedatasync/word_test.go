package main

import (
	"os"
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
	me, err := user.Current()
	if err != nil {
		t.Skip("this user has no name: ", err)
	}
	env := map[string]string{"USER": "mallory", "LOGNAME": "mallory"}
	if got := login(func(name string) string { return env[name] }); got != me.Username {
		t.Errorf("login is %q, want %q", got, me.Username)
	}
	env["SUDO_USER"] = "ada"
	want := me.Username
	if os.Getuid() == 0 {
		want = "ada"
	}
	if got := login(func(name string) string { return env[name] }); got != want {
		t.Errorf("login under sudo is %q, want %q", got, want)
	}
}
