package app

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

// startSimulator starts an endpoint on loopback and turns the settings to it.
func startSimulator(s *config.Settings, env *parts.Env, closers *closers) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("start the simulated endpoint: %w", err)
	}
	server := wedatasim.New(wedatasim.Options{})
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	closers.add("end the simulated endpoint", func() error {
		err := server.Close()
		<-served
		return err
	})
	s.Endpoint = "http://" + l.Addr().String()
	account, getenv := wedatasim.DefaultAccount(), env.Getenv
	env.Getenv = func(name string) string {
		switch name {
		case "TENCENTCLOUD_SECRET_ID":
			return account.SecretID
		case "TENCENTCLOUD_SECRET_KEY":
			return account.SecretKey
		case "TENCENTCLOUD_TOKEN":
			return account.Token
		default:
			return getenv(name)
		}
	}
	if env.OwnState {
		return nil
	}
	if freshFolder(filepath.Dir(s.State), closers) {
		return nil
	}
	dir, err := os.MkdirTemp("", "wedatasync-")
	if err != nil {
		return fmt.Errorf("make a folder for the simulated state: %w", err)
	}
	closers.add("remove the simulated state", func() error { return os.RemoveAll(dir) })
	s.State = filepath.Join(dir, "wedatasync.db")
	return nil
}

// freshFolder empties the folder that keeps the state of the last simulated run, and
// reports whether this run can have it: another one may be using it.
func freshFolder(dir string, closers *closers) bool {
	if !strings.HasPrefix(filepath.Base(dir), "simulated-") || os.MkdirAll(filepath.Dir(dir), 0o700) != nil {
		return false
	}
	lock := flock.New(dir + ".lock")
	if held, err := lock.TryLock(); err != nil || !held {
		return false
	}
	closers.add("unlock the simulated state", lock.Unlock)
	return os.RemoveAll(dir) == nil && os.Mkdir(dir, 0o700) == nil
}
