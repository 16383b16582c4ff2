package app

import (
	"fmt"
	"net"
	"os"
	"path/filepath"

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
	dir, err := os.MkdirTemp("", "wedatasync-")
	if err != nil {
		return fmt.Errorf("make a folder for the simulated state: %w", err)
	}
	closers.add("remove the simulated state", func() error { return os.RemoveAll(dir) })
	s.State = filepath.Join(dir, "wedatasync.db")
	return nil
}
