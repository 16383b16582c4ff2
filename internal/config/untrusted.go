package config

import (
	"fmt"

	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/gitrepo"
	"github.com/wedatasync/wedatasync/internal/source"
)

// findUntrusted finds out whether what is checked out here was accepted by nobody yet:
// whoever wrote it would choose the settings and the state that he is checked with.
func (s *Flags) findUntrusted(getenv func(string) string) {
	if mark := forge.PullRequestMark(getenv); s.Untrusted == "" && mark != "" {
		s.Untrusted = mark + " says that this job is for a pull request"
	}
}

// refuseTracked returns an error if git tracks the file that the flag names in the checkout
// of a stranger. A state has more files beside its own.
func (s *Flags) refuseTracked(flag, path, from string) error {
	tracked, err := gitrepo.Tracked(from, path, flag == "state")
	if err != nil {
		return fmt.Errorf("%s: whether git tracks %s is not known: %w", s.from[flag], path, err)
	}
	if tracked {
		return fmt.Errorf("%s: git tracks %s in what is checked out, so whoever wrote the pull request decides what is in it: name a file that is not tracked there", s.from[flag], path)
	}
	return nil
}

// refuseTrackedFiles checks the settings and the state that were named, now that it is known
// which source they are for.
func (s *Flags) refuseTrackedFiles() error {
	if s.Untrusted == "" {
		return nil
	}
	switch tracked, err := gitrepo.Tracked(checkout(s.Source), checkout(s.Source), false); {
	case err != nil:
		return fmt.Errorf("--source: whether git tracks %s is not known: %w", s.Source, err)
	case tracked:
		return fmt.Errorf("--source: %s is, or leads through, a link or a submodule in what is checked out, so whoever wrote the pull request decides where it leads: name a folder that is none", s.Source)
	}
	if s.Given("config") {
		if err := s.refuseTracked("config", s.FileName(), checkout(s.Source)); err != nil {
			return err
		}
	}
	switch {
	case s.Given("state"):
		return s.refuseTracked("state", s.State, checkout(s.Source))
	case s.Stateless || s.Simulate:
		return nil
	default:
		return fmt.Errorf("--state: is required: %s, so no state is taken from the working directory: name one with --state or %s", s.Untrusted, EnvName("state"))
	}
}

// HasState reports whether there may be a state to compare with.
func (s *Flags) HasState() bool { return s.Untrusted == "" || s.Given("state") }

// firstSource is the source as it is known before the configuration is read: that must
// not choose which checkout it is looked for in.
func (s *Flags) firstSource(getenv func(string) string) string {
	if s.Given("source") {
		return checkout(s.Source)
	}
	return checkout(getenv(EnvName("source")))
}

// checkout is the folder that a source is checked out in: the working directory if it
// is read from elsewhere.
func checkout(from string) string {
	if from == "" || source.IsGit(from) {
		return "."
	}
	return from
}
