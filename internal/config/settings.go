package config

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/internal/source"
	"github.com/wedatasync/wedatasync/internal/weblink"
	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// Settings are what a person sets, in flags, the environment and wedatasync.yaml.
type Settings struct {
	Source   string // a git URL, or a folder
	Branch   string
	Path     string // of the folder of the specs in the source
	State    string // the state's file
	Endpoint string // a host, or a URL with a scheme for a local endpoint
	Region   string

	Rate          float64       // CommitIntegrationTask requests a second, of the account
	Share         float64       // of Rate that is this daemon's, in (0, 1]
	AcceptHorizon time.Duration // how long a signed request can be accepted
	Interval      time.Duration // between two polls of the source
	Grace         time.Duration // that calls under way get to end in
	DriftInterval time.Duration // between two scans of what is live; 0: never
	DriftPolicy   string        // what is done about what they find: "report", "adopt" or "heal"
	TagVersions   bool          // descriptions of versions end with a tag

	Listen          string   // address of the status page, the API and the probes, or ListenOff
	DebugListen     string   // address on loopback of Go's profiles; empty: there are none
	AllowedHosts    []string // names of the status page's host, and addresses, localhost and Listen's are always
	ConsoleURL      string   // of a task in the WeData console, with {projectId} and {taskId}; empty: not known
	ActionTokenFile string   // whose token lets the API take any command; empty: only Tokens do
	ReadTokenFile   string   // whose token is needed to read; empty: reading needs none, if none of Tokens is for it
	Tokens          []TokenSettings
	Webhooks        WebhookSettings

	PlainHosts secret.PlainHosts // that secrets may be sent to over plain http

	LogFormat string // "text" or "json"
	LogLevel  string // "debug", "info", "warn" or "error"

	Simulate bool // an embedded simulated endpoint instead of the cloud

	Verify string // which commits have to be signed: "off", "head" or "strict"
	Git    GitSettings
	Guards plan.Guards
	Notify notify.Settings
}

// GitSettings are how the source's server is reached. All files are read again at
// each use.
type GitSettings struct {
	Username          string // with TokenFile; most forges take any
	TokenFile         string // a password or token for https
	SSHKeyFile        string // a private key
	SSHPassphraseFile string // of the key, if it has one
	KnownHostsFile    string // required for ssh
	CAFile            string // more roots for https, in PEM

	GitHubAppID             string // a GitHub App's credentials, in place of TokenFile
	GitHubAppInstallationID string
	GitHubAppKeyFile        string
	GitHubAPIURL            string // of GitHub Enterprise Server; empty: github.com's

	PGPKeysFile        string // armored public keys that may sign commits
	AllowedSignersFile string // keys of SSH that may, in the format of ssh-keygen(1)
	RevokedKeysFile    string // public keys of SSH that may not
}

// TokenSettings are a token for HTTP with the name of its bearer.
type TokenSettings struct {
	Name  string
	File  string
	Verbs []state.Verb // of [access.Verbs]
}

// WebhookSettings are the files with the secrets that the forges sign with. A forge
// without one has no webhook.
type WebhookSettings struct {
	GitHub string
	GitLab string
	Gitea  string
}

// Bounds of the settings.
const (
	// RateLimit is the API's limit, in requests a second (API document).
	RateLimit = 20
	// CloudHorizon is the least accept horizon for an endpoint that is not local: a
	// signature is good for 5 minutes, and the client waits 10 s.
	CloudHorizon = 310 * time.Second

	minInterval = 100 * time.Millisecond
)

// ListenOff is the value of Settings.Listen with which there is no server.
const ListenOff = "off"

// Defaults returns the settings without any flag, variable and file.
func Defaults() Settings {
	return Settings{
		Branch:        "main",
		Path:          ".",
		State:         "wedatasync.db",
		Endpoint:      "wedata.tencentcloudapi.com",
		Region:        "ap-guangzhou",
		Rate:          RateLimit,
		Share:         1,
		AcceptHorizon: CloudHorizon,
		Interval:      30 * time.Second,
		Grace:         15 * time.Second,
		DriftInterval: time.Hour,
		DriftPolicy:   string(plan.PolicyReport),
		Listen:        "127.0.0.1:9740",
		Verify:        string(source.VerifyOff),
		LogFormat:     "text",
		LogLevel:      "info",
		Guards:        plan.Guards{MaxChangePercent: 30},
	}
}

// CommitRate is how many commits a second this daemon makes at the most.
func (s *Settings) CommitRate() float64 { return s.Rate * s.Share }

// isHostName reports whether it is a name without a port, and no pattern. The expression
// takes half a millisecond to compile, and few have such names.
func isHostName(name string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?$`).MatchString(name)
}

// onLoopback reports whether only this machine reaches the address.
func onLoopback(address string) bool {
	at, err := netip.ParseAddrPort(address)
	return err == nil && at.Addr().IsLoopback()
}

// SettingError is a setting that cannot be used.
type SettingError struct {
	Name string // of the flag
	Err  error
}

func (e *SettingError) Error() string { return fmt.Sprintf("--%s: %v", e.Name, e.Err) }

// Unwrap returns what is wrong.
func (e *SettingError) Unwrap() error { return e.Err }

// Validate returns what cannot be used, as SettingErrors joined.
func (s *Settings) Validate() error {
	var errs []error
	check := func(ok bool, name, format string, args ...any) {
		if !ok {
			errs = append(errs, &SettingError{Name: name, Err: fmt.Errorf(format, args...)})
		}
	}
	check(s.Source != "", "source", "is required: a git URL, or a folder with specs")
	check(s.State != "", "state", "is required: the file that remembers what was applied")
	check(s.Region != "", "region", "is required, such as ap-guangzhou")
	check(s.Rate > 0 && s.Rate <= RateLimit, "rate", "%v is not above 0 and at most %d, the API's limit", s.Rate, RateLimit)
	check(s.Share > 0 && s.Share <= 1, "share", "%v is not above 0 and at most 1", s.Share)
	check(s.Interval >= minInterval, "interval", "%v is shorter than %v", s.Interval, minInterval)
	check(s.Grace > 0, "grace", "%v is not above 0", s.Grace)
	check(s.DriftInterval == 0 || s.DriftInterval >= minInterval, "drift-interval", "%v is neither 0 nor %v or more", s.DriftInterval, minInterval)
	check(slices.Contains(plan.DriftPolicies(), plan.DriftPolicy(s.DriftPolicy)), "drift-policy", "it is not one of report, adopt and heal")
	check(s.DriftPolicy == string(plan.PolicyReport) || s.DriftInterval != 0, "drift-policy", "%s needs drift checks: set a --drift-interval", s.DriftPolicy)
	s.checkVerify(check)
	for _, name := range s.AllowedHosts {
		check(isHostName(name), "allowed-hosts", "%q is not the name of a host, such as status.example.com", name)
	}
	if s.ConsoleURL != "" {
		err := weblink.CheckConsole(s.ConsoleURL)
		check(err == nil, "console-url", "%w, such as https://console.example.com/task/{taskId}?ProjectId={projectId}", err)
	}
	check(s.DebugListen == "" || onLoopback(s.DebugListen), "debug-listen", "it is not a loopback address with a port, such as 127.0.0.1:6060")
	check(!s.Guards.ApproverIsNotAuthor || s.Source == "" || source.IsGit(s.Source), "source",
		"a folder has no authors: use a git repository, or leave guards.approverIsNotAuthor out")
	check(s.LogFormat == "text" || s.LogFormat == "json", "log-format", "it is neither text nor json")
	loopback, err := wedata.CheckEndpoint(s.Endpoint, s.PlainHosts)
	check(err == nil, "endpoint", "%w", err)
	check(s.AcceptHorizon > 0, "accept-horizon", "%v is not above 0", s.AcceptHorizon)
	check(s.AcceptHorizon >= CloudHorizon || s.Simulate || err != nil || loopback, "accept-horizon",
		"%v is shorter than %v: less is for local endpoints, because the service accepts a signed request for 5 minutes", s.AcceptHorizon, CloudHorizon)
	return errors.Join(errs...)
}

// checkVerify checks the settings of trust. Keys that are not used would be taken for
// safety.
func (s *Settings) checkVerify(check func(ok bool, name, format string, args ...any)) {
	switch source.Verify(s.Verify) {
	case source.VerifyOff:
		check(s.Git.PGPKeysFile == "" && s.Git.AllowedSignersFile == "" && s.Git.RevokedKeysFile == "", "verify",
			"is off, but there are keys: say head or strict, or leave the keys out")
	case source.VerifyHead, source.VerifyStrict:
		check(s.Git.PGPKeysFile != "" || s.Git.AllowedSignersFile != "", "verify",
			"%s needs keys: name --pgp-keys-file, --allowed-signers-file or both", s.Verify)
		check(s.Source == "" || source.IsGit(s.Source), "verify", "a folder has no signatures: use a git repository, or off")
	default:
		check(false, "verify", "it is not one of off, head and strict")
	}
}
