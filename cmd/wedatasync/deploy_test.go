package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/config"
)

// TestDeploy_Commands holds the command lines of the unit and of the pod to the commands
// and flags that there are, and their variables to settings.
func TestDeploy_Commands(t *testing.T) {
	for name, command := range map[string]string{
		"systemd/wedatasync.service": `(?m)^ExecStart=/usr/local/bin/wedatasync (.*)$`,
		"kubernetes/deployment.yaml": `(?m)^ +args: \[(.*)\]$`,
	} {
		data, err := os.ReadFile(filepath.Join(top, "deploy", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(command).FindStringSubmatch(string(data))
		if m == nil {
			t.Fatalf("%s has no command line: is the test looking at it?", name)
		}
		if err := parses(strings.ReplaceAll(m[1], ",", "")); err != nil {
			t.Errorf("%s: wedatasync %s: %v", name, m[1], err)
		}
		s := addSettings(newVersionCommand(&stdio{}))
		for _, variable := range regexp.MustCompile(config.EnvPrefix+`[A-Z_]+`).FindAllString(string(data), -1) {
			flag := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(variable, config.EnvPrefix)), "_", "-")
			if s.Set.Lookup(flag) == nil {
				t.Errorf("%s: no setting is read from %s", name, variable)
			}
		}
	}
}

// TestDeploy_NoCore: a crash writes no memory, which has the credentials, to a disk.
func TestDeploy_NoCore(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(top, "deploy", "systemd", "wedatasync.service"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), "\nLimitCORE=0\n") {
		t.Error("the unit lets a crash write a core")
	}
}

// TestDeploy_Configuration: the daemon takes the configuration of the kustomize base.
func TestDeploy_Configuration(t *testing.T) {
	s := addSettings(newVersionCommand(&stdio{}))
	vars := map[string]string{"WEDATASYNC_CONFIG": filepath.Join(top, "deploy", "kubernetes", "wedatasync.yaml")}
	if err := s.Load(func(name string) string { return vars[name] }); err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
	if s.Listen == config.Defaults().Listen {
		t.Error("in a pod, nobody else reaches a daemon that listens on loopback")
	}
}
