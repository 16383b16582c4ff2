package config

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/source"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// Mirror is where the daemon keeps its copy of a repository.
func (s *Settings) Mirror() string { return s.State + ".git" }

// sourceName names the source the same way each time: without userinfo, and a
// folder by its whole path.
func (s *Settings) sourceName() string {
	name := gitremote.Redact(s.Source)
	if name == s.Source && !strings.Contains(name, ":") {
		if abs, err := filepath.Abs(name); err == nil {
			return abs
		}
	}
	return name
}

// SourceInfo describes the source in a plan.
func (s *Settings) SourceInfo() plan.SourceInfo {
	info := plan.SourceInfo{URL: s.sourceName()}
	if source.IsGit(s.Source) {
		info.Branch = s.Branch
	}
	return info
}

// simulated is what a state of the embedded endpoint belongs to: its port is
// another one each time.
const simulated = "simulated"

// simulatedState is where the last run with an embedded endpoint in the working directory
// keeps its state, for status and the like; empty if this user has no place for it.
func simulatedState() string {
	cache, err := os.UserCacheDir()
	dir, errDir := os.Getwd()
	if err != nil || errDir != nil {
		return ""
	}
	id := sha256.Sum256([]byte(dir))
	return filepath.Join(cache, "wedatasync", "simulated-"+hex.EncodeToString(id[:8]), "wedatasync.db")
}

// Identity is what a state of these settings belongs to.
func (s *Settings) Identity() state.Identity {
	id := state.Identity{Source: s.sourceName(), Path: s.Path, Endpoint: s.Endpoint, Region: s.Region}
	if source.IsGit(s.Source) {
		id.Branch = s.Branch
	}
	if s.Simulate {
		id.Endpoint = simulated
	}
	return id
}
