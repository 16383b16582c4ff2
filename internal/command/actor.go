package command

import (
	"os"
	"os/user"
	"strconv"

	"github.com/wedatasync/wedatasync/state"
)

// Actor is who gives a command, as the history has it: the user who runs the program, and
// the name that the user goes by.
func Actor(getenv func(string) string, as string) string {
	return actorOf(login(os.Getuid(), getenv), as)
}

func actorOf(user, as string) string {
	if as == "" || as == user {
		return user
	}
	return state.Clip(user + " (as " + as + ")")
}

// login is who runs the program, by the system's word: of the environment only root's is
// believed, for whom sudo has set it.
func login(uid int, getenv func(string) string) string {
	if sudo := getenv("SUDO_USER"); sudo != "" && uid == 0 {
		return sudo
	}
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + id
}
