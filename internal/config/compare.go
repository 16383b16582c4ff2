package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/calendar"
)

// Change is a setting that is another one than before, by its name in the
// configuration file.
type Change struct {
	Name string
	Old  string // empty if it was not set
	New  string // empty if it is not set any more
}

// OfDrift reports whether the change is about what others changed in WeData.
func (c Change) OfDrift() bool { return strings.HasPrefix(c.Name, "drift") }

// OfGuards reports whether the change makes the guards others.
func (c Change) OfGuards() bool {
	return strings.HasPrefix(c.Name, "guards.") || strings.HasPrefix(c.Name, "tokens.") && strings.HasSuffix(c.Name, authorSetting)
}

// RestartError means that settings have changed that a daemon keeps for its life.
type RestartError struct {
	Names []string // in the configuration file
}

func (e *RestartError) Error() string {
	return fmt.Sprintf("%s cannot change while the daemon runs: restart it, or set back what has changed", strings.Join(e.Names, ", "))
}

// fixed are the settings that a daemon keeps for its life: what its state belongs to,
// and where it can be found.
var fixed = [...]string{"source", "branch", "path", "state", "endpoint", "region", "listen", "debugListen", "simulate"}

// Compare returns what differs between the settings, in order of name. The error is a
// [*RestartError] if the difference takes a restart, which refuses all of it. It has
// no values, which can be URLs with a password that nothing has checked yet.
func Compare(old, next *Settings) ([]Change, error) {
	before, after := old.values(), next.values()
	names := maps.Clone(before)
	maps.Copy(names, after)
	var changes []Change
	var restart []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if before[name] == after[name] {
			continue
		}
		if slices.Contains(fixed[:], name) {
			restart = append(restart, name)
		}
		changes = append(changes, Change{name, before[name], after[name]})
	}
	if len(restart) > 0 {
		return nil, &RestartError{restart}
	}
	return changes, nil
}

// ofPlan are the settings, next to those of the guards, that another plan can come of.
var ofPlan = [...]string{"source", "branch", "path", "driftPolicy", "verify", "pgpKeysFile", "allowedSignersFile", "revokedKeysFile"}

// PlanDigest is the same for two settings if the same plan comes of them, from the same revision and
// the same state.
func (s *Settings) PlanDigest() string {
	h := sha256.New()
	values := s.values()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if slices.Contains(ofPlan[:], name) || (Change{Name: name}).OfGuards() {
			fmt.Fprintf(h, "%q %q\n", name, values[name])
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// values returns the settings as text, by their names in the configuration file. Of
// secrets it has the names of their files.
func (s *Settings) values() map[string]string {
	v := map[string]string{
		"source": s.Source, "branch": s.Branch, "path": s.Path, "state": s.State,
		"endpoint": s.Endpoint, "region": s.Region,
		"rate": number(s.Rate), "share": number(s.Share),
		"acceptHorizon": s.AcceptHorizon.String(), "interval": s.Interval.String(), "grace": s.Grace.String(),
		"driftInterval": s.DriftInterval.String(), "driftPolicy": s.DriftPolicy,
		"tagVersions":    strconv.FormatBool(s.TagVersions),
		"plainHttpHosts": string(s.PlainHosts),
		"listen":         s.Listen, "debugListen": s.DebugListen, "allowedHosts": joined(s.AllowedHosts),
		"consoleUrl":      s.ConsoleURL,
		"actionTokenFile": s.ActionTokenFile, "readTokenFile": s.ReadTokenFile,
		"githubSecretFile": s.Webhooks.GitHub, "gitlabSecretFile": s.Webhooks.GitLab, "giteaSecretFile": s.Webhooks.Gitea,
		"logFormat": s.LogFormat, "logLevel": s.LogLevel, "simulate": strconv.FormatBool(s.Simulate),
		"gitUsername": s.Git.Username, "gitTokenFile": s.Git.TokenFile,
		"sshKeyFile": s.Git.SSHKeyFile, "sshPassphraseFile": s.Git.SSHPassphraseFile,
		"knownHostsFile": s.Git.KnownHostsFile, "caFile": s.Git.CAFile,
		"githubAppId": s.Git.GitHubAppID, "githubAppInstallationId": s.Git.GitHubAppInstallationID,
		"githubAppKeyFile": s.Git.GitHubAppKeyFile, "githubApiUrl": s.Git.GitHubAPIURL,
		"verify": s.Verify, "pgpKeysFile": s.Git.PGPKeysFile,
		"allowedSignersFile": s.Git.AllowedSignersFile, "revokedKeysFile": s.Git.RevokedKeysFile,
	}
	s.guardValues(v)
	s.tokenValues(v)
	s.notifyValues(v)
	return v
}

func (s *Settings) guardValues(v map[string]string) {
	g := &s.Guards
	v["guards.allowProjects"] = strings.Join(g.AllowProjects, " ")
	v["guards.allowTasks"] = strings.Join(g.AllowTasks, " ")
	v["guards.allowCommitTypes"] = joined(g.AllowCommitTypes)
	v["guards.maxChanges"] = strconv.Itoa(g.MaxChanges)
	v["guards.maxChangePercent"] = strconv.Itoa(g.MaxChangePercent)
	var windows []string
	for i := range g.Windows {
		windows = append(windows, windowText(&g.Windows[i]))
	}
	v["guards.alreadyLive"] = map[bool]string{false: "hold", true: "adopt"}[g.AdoptAlreadyLive]
	v["guards.windows"] = strings.Join(windows, ", ")
	v["guards.approverIsNotAuthor"] = strconv.FormatBool(g.ApproverIsNotAuthor)
}

func (s *Settings) tokenValues(v map[string]string) {
	for _, t := range s.Tokens {
		v["tokens."+t.Name+".tokenFile"], v["tokens."+t.Name+".verbs"] = t.File, joined(t.Verbs)
	}
	for _, a := range s.Guards.Authors {
		v["tokens."+a.Actor+authorSetting] = a.Is
	}
}

// authorSetting ends the names of the settings for who a token's bearer is in commits.
const authorSetting = ".author"

func (s *Settings) notifyValues(v map[string]string) {
	n := &s.Notify
	v["notify.link"], v["notify.caFile"] = n.Link, n.CAFile
	if f := n.Forge; f != nil {
		v["notify.forge.kind"], v["notify.forge.repository"] = string(f.Kind), f.Repository
		v["notify.forge.url"], v["notify.forge.caFile"] = f.BaseURL, f.CAFile
		v["notify.forge.tokenFile"], v["notify.forge.context"] = f.Token.File(), n.Context
	}
	for _, c := range n.Channels {
		name := "notify.channels." + c.Name
		v[name+".kind"], v[name+".template"], v[name+".topics"] = string(c.Kind), c.Template, joined(c.Topics)
		v[name+".urlFile"], v[name+".keyFile"] = c.URL.File(), c.Key.File()
	}
}

// windowText is all of a window, on one line.
func windowText(w *calendar.Window) string {
	parts := []string{modeFreeze, w.Location.String()}
	if w.Allow {
		parts[0] = modeAllow
	}
	if len(w.Days) > 0 {
		parts = append(parts, joined(w.Days))
	}
	parts = append(parts, clockText(w.From)+"-"+clockText(w.To))
	if !w.Start.IsZero() {
		parts = append(parts, w.Start.Format(time.RFC3339)+"/"+w.End.Format(time.RFC3339))
	}
	if len(w.Projects) > 0 {
		parts = append(parts, "projects "+strings.Join(w.Projects, " "))
	}
	if len(w.Tasks) > 0 {
		parts = append(parts, "tasks "+strings.Join(w.Tasks, " "))
	}
	return w.Name + " (" + strings.Join(parts, " ") + ")"
}

func clockText(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60)
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

func joined[T any](list []T) string {
	text := make([]string, 0, len(list))
	for _, item := range list {
		text = append(text, fmt.Sprint(item))
	}
	return strings.Join(text, " ")
}
