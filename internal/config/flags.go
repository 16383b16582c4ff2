package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/pflag"

	"github.com/wedatasync/wedatasync/internal/file"
)

// EnvPrefix begins the names of the environment variables that are settings.
const EnvPrefix = "WEDATASYNC_"

const defaultConfig = "wedatasync.yaml"

// Flags are the shared flags of a command, and the settings that they give together with
// the environment and the configuration file, once Load was called.
type Flags struct {
	Settings
	Set *pflag.FlagSet // the flags, for a command to add to its own

	typed map[string]string // what the command line gives, by flag
	from  map[string]string // what gives a flag its value, by the flag: --state, WEDATASYNC_STATE, wedatasync.yaml:3
	lines map[string]int    // of the configuration file, by the flag that it gives a value
	found bool              // there is a configuration file

	// Untrusted is why no settings and no state are taken from the working directory: a
	// stranger can have written it. Empty: they are taken.
	Untrusted string
	// Stateless means that the command can do without a state.
	Stateless bool
}

// NewFlags returns the flags with the default settings.
func NewFlags() *Flags {
	shared := &Flags{Settings: Defaults(), Set: pflag.NewFlagSet("settings", pflag.ContinueOnError)}
	flags, s := shared.Set, &shared.Settings
	flags.String("config", defaultConfig, "configuration `file`; it need not exist")
	flags.StringVar(&s.Source, "source", s.Source, "git `URL`, or folder with specs")
	flags.StringVar(&s.Branch, "branch", s.Branch, "branch of the git repository")
	flags.StringVar(&s.Path, "path", s.Path, "`folder` of the specs in the source")
	flags.StringVar(&s.State, "state", s.State, "`file` that remembers what was applied")
	flags.StringVar(&s.Endpoint, "endpoint", s.Endpoint, "API `host`, or URL with its scheme for a local endpoint")
	flags.StringVar(&s.Region, "region", s.Region, "API region")
	flags.Float64Var(&s.Rate, "rate", s.Rate, "commits a second that the account is allowed")
	flags.Float64Var(&s.Share, "share", s.Share, "`part` of the rate that is this daemon's, above 0 and at most 1")
	flags.DurationVar(&s.AcceptHorizon, "accept-horizon", s.AcceptHorizon, "how long a signed request can still be accepted; less only for a local endpoint")
	flags.DurationVar(&s.Interval, "interval", s.Interval, "time between two polls of the source")
	flags.DurationVar(&s.Grace, "grace", s.Grace, "time that calls under way get to end in, after a signal")
	flags.DurationVar(&s.DriftInterval, "drift-interval", s.DriftInterval, "time between the daemon's drift checks; 0 for none")
	flags.StringVar(&s.DriftPolicy, "drift-policy", s.DriftPolicy, "`what` is done about tasks that others have changed: report, adopt (take it over, without a commit) or heal (commit again what git says)")
	flags.BoolVar(&s.TagVersions, "tag-versions", s.TagVersions, "end each version's description with a tag by which a commit without a response is proved")
	flags.StringVar(&s.Listen, "listen", s.Listen, "`address` of the daemon's status page, API, probes, metrics and webhooks, or off")
	flags.StringVar(&s.DebugListen, "debug-listen", s.DebugListen, "loopback `address` of Go's profiles, such as 127.0.0.1:6060; there are none without")
	flags.Var((*names)(&s.AllowedHosts), "allowed-hosts", "host `names` of the status page, comma-separated, in addition to addresses, localhost and --listen; requests for others are refused")
	flags.StringVar(&s.ConsoleURL, "console-url", s.ConsoleURL, "`URL` of a task in the WeData console, with {projectId} and {taskId} in it: the status page links to it")
	flags.StringVar(&s.ActionTokenFile, "action-token-file", s.ActionTokenFile, "`file` with the token that lets the API take any operator action; tokens in the configuration file may do so by name")
	flags.StringVar(&s.ReadTokenFile, "read-token-file", s.ReadTokenFile, "`file` with the token that the status page, API and metrics then need")
	flags.StringVar(&s.Webhooks.GitHub, "github-secret-file", s.Webhooks.GitHub, "`file` with the secret of GitHub's webhook")
	flags.StringVar(&s.Webhooks.GitLab, "gitlab-secret-file", s.Webhooks.GitLab, "`file` with the secret of GitLab's webhook")
	flags.StringVar(&s.Webhooks.Gitea, "gitea-secret-file", s.Webhooks.Gitea, "`file` with the secret of Gitea's webhook")
	flags.StringVar((*string)(&s.PlainHosts), "plain-http-hosts", "", "`hosts`, separated by commas, that secrets may be sent to over plain http; this machine is always one")
	flags.StringVar(&s.LogFormat, "log-format", s.LogFormat, "`format` of the log: text or json")
	flags.StringVar(&s.LogLevel, "log-level", s.LogLevel, "`level` of the log: debug, info, warn or error")
	flags.BoolVar(&s.Simulate, "simulate", s.Simulate, "use an embedded simulated endpoint instead of the cloud")
	flags.StringVar(&s.Git.Username, "git-username", s.Git.Username, "`name` to use with --git-token-file")
	flags.StringVar(&s.Git.TokenFile, "git-token-file", s.Git.TokenFile, "`file` with the token or password for https")
	flags.StringVar(&s.Git.SSHKeyFile, "ssh-key-file", s.Git.SSHKeyFile, "`file` with the private key for ssh")
	flags.StringVar(&s.Git.SSHPassphraseFile, "ssh-passphrase-file", s.Git.SSHPassphraseFile, "`file` with the passphrase of the private key")
	flags.StringVar(&s.Git.KnownHostsFile, "known-hosts-file", s.Git.KnownHostsFile, "`file` with the host keys for ssh")
	flags.StringVar(&s.Git.CAFile, "ca-file", s.Git.CAFile, "`file` with more certificates to trust for https, in PEM")
	flags.StringVar(&s.Git.GitHubAppID, "github-app-id", s.Git.GitHubAppID, "`id` of a GitHub App that may read the repository, or its client id")
	flags.StringVar(&s.Git.GitHubAppInstallationID, "github-app-installation-id", s.Git.GitHubAppInstallationID, "`id` of the App's installation")
	flags.StringVar(&s.Git.GitHubAppKeyFile, "github-app-key-file", s.Git.GitHubAppKeyFile, "`file` with the App's private key, in PEM")
	flags.StringVar(&s.Git.GitHubAPIURL, "github-api-url", s.Git.GitHubAPIURL, "`URL` of the API of a GitHub Enterprise Server, for the App")
	flags.StringVar(&s.Verify, "verify", s.Verify, "`which` commits have to be signed by trusted keys: off, head (the newest) or strict (each by first parents)")
	flags.StringVar(&s.Git.PGPKeysFile, "pgp-keys-file", s.Git.PGPKeysFile, "`file` with the PGP keys that may sign commits, in armor")
	flags.StringVar(&s.Git.AllowedSignersFile, "allowed-signers-file", s.Git.AllowedSignersFile, "`file` with the SSH keys that may sign commits, in ssh-keygen's format")
	flags.StringVar(&s.Git.RevokedKeysFile, "revoked-keys-file", s.Git.RevokedKeysFile, "`file` with SSH keys that may not sign commits any more")
	return shared
}

// Given reports whether a person set the flag, in any of the three ways.
func (s *Flags) Given(flag string) bool { return s.Set.Lookup(flag).Changed }

// Load fills the settings: a flag goes over the environment, and that over the
// configuration file. What can be read counts, whatever is wrong with the rest.
func (s *Flags) Load(getenv func(string) string) error {
	flags := s.Set
	var errs []error
	s.typed, s.from, s.lines = map[string]string{}, map[string]string{}, map[string]int{}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			s.typed[f.Name], s.from[f.Name] = f.Value.String(), "--"+f.Name
		}
	})
	s.findUntrusted(getenv)
	cfg, err := s.readFile(getenv)
	if err != nil {
		errs = append(errs, err)
	}
	if cfg == nil {
		cfg = &File{Guards: s.Guards}
	}
	for name, value := range cfg.Values {
		if f := flags.Lookup(kebab(name)); f == nil || kebab(name) == "config" || camel(kebab(name)) != name {
			errs = append(errs, UnknownSetting(s.FileName(), value.Line, name, s.keys()))
		}
	}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "config" {
			return
		}
		from, text := EnvName(f.Name), getenv(EnvName(f.Name))
		if text == "" {
			value, ok := cfg.Values[camel(f.Name)]
			if !ok {
				return
			}
			from, text = fmt.Sprintf("%s:%d", s.FileName(), value.Line), value.Text
			s.lines[f.Name] = value.Line
		}
		s.from[f.Name] = from
		if err := f.Value.Set(text); err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %s", from, camel(f.Name), kind(f)))
			return
		}
		f.Changed = true
	})
	s.Guards, s.Tokens, s.Notify = cfg.Guards, cfg.Tokens, cfg.Notify
	s.Notify.PlainHosts = s.PlainHosts
	if s.Simulate && !s.Given("state") {
		s.State = cmp.Or(simulatedState(), s.State)
	}
	return errors.Join(append(errs, s.refuseTrackedFiles())...)
}

// keys are the names that the configuration file can have.
func (s *Flags) keys() []string {
	known := []string{"guards", "tokens", "notify"}
	s.Set.VisitAll(func(f *pflag.Flag) {
		if f.Name != "config" {
			known = append(known, camel(f.Name))
		}
	})
	return known
}

// names is a flag with several names in one value.
type names []string

func (n *names) String() string { return strings.Join(*n, ",") }

// Set implements [pflag.Value].
func (n *names) Set(text string) error {
	*n = nil
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			*n = append(*n, name)
		}
	}
	return nil
}

// Type implements [pflag.Value].
func (n *names) Type() string { return "names" }

// kind is what value a flag needs. The error of a value that it does not take has
// the value, which may be a secret that went wrong.
func kind(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "duration":
		return "a duration is required, such as 30s or 5m"
	case "float64":
		return "a number is required, such as 0.5"
	case "bool":
		return "true or false is required"
	default:
		return "another value is required"
	}
}

// Reload reads all that load has read anew: the flags of the command line stay, and the
// file is as it is now. A file that was there has to be there.
func (s *Flags) Reload(getenv func(string) string) (Settings, error) {
	next := NewFlags()
	for name, text := range s.typed {
		if err := next.Set.Set(name, text); err != nil {
			return Settings{}, err
		}
	}
	err := next.Load(getenv)
	if err == nil && s.found && !next.found {
		err = fmt.Errorf("%s is missing or empty", s.FileName())
	}
	if err == nil {
		err = next.Locate(next.Validate())
	}
	s.found = s.found || next.found
	return next.Settings, err
}

// Locate names the place of each setting that Validate complains about, where it
// comes from the configuration file.
func (s *Flags) Locate(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var errs []error
		for _, one := range joined.Unwrap() {
			errs = append(errs, s.Locate(one))
		}
		return errors.Join(errs...)
	}
	if wrong, ok := errors.AsType[*SettingError](err); ok && s.lines[wrong.Name] > 0 {
		return &FileError{File: s.FileName(), Line: s.lines[wrong.Name], Err: fmt.Errorf("%s: %w", camel(wrong.Name), wrong.Err)}
	}
	return err
}

// FileName is the name of the configuration file.
func (s *Flags) FileName() string { return s.Set.Lookup("config").Value.String() }

// readFile reads the configuration file. Only one that was asked for has to exist.
func (s *Flags) readFile(getenv func(string) string) (*File, error) {
	f := s.Set.Lookup("config")
	if env := getenv(EnvName("config")); !f.Changed && env != "" {
		if err := f.Value.Set(env); err != nil {
			return nil, err
		}
		f.Changed, s.from[f.Name] = true, EnvName("config")
	}
	if s.Untrusted != "" {
		if !f.Changed {
			return Read(defaultConfig, nil, s.Guards)
		}
		if err := s.refuseTracked("config", s.FileName(), s.firstSource(getenv)); err != nil {
			return nil, err
		}
	}
	data, err := file.Read(s.from[f.Name], s.FileName(), MaxFile)
	if errors.Is(err, fs.ErrNotExist) && !f.Changed {
		return Read(defaultConfig, nil, s.Guards)
	}
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	s.found = len(bytes.TrimSpace(data)) > 0
	return Read(s.FileName(), data, s.Guards)
}

// WatchedFile returns the configuration file, which need not be there yet, or "" if none is
// believed.
func (s *Flags) WatchedFile() string {
	if s.Untrusted != "" && !s.Given("config") {
		return ""
	}
	return s.FileName()
}

// ExistingFile returns the configuration file, or "" if there is none.
func (s *Flags) ExistingFile() string {
	if _, err := os.Stat(s.WatchedFile()); err != nil {
		return ""
	}
	return s.FileName()
}

// EnvName is the environment variable of a flag.
func EnvName(flag string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// camel is the name in the configuration file of a flag.
func camel(flag string) string {
	parts := strings.Split(flag, "-")
	for i := 1; i < len(parts); i++ {
		parts[i] = strings.ToUpper(parts[i][:1]) + parts[i][1:]
	}
	return strings.Join(parts, "")
}

// kebab is the flag of a name in the configuration file.
func kebab(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
