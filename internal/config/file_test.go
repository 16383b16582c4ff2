package config_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/internal/serve/access"
	"github.com/wedatasync/wedatasync/reconcile/calendar"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

func TestReadConfig(t *testing.T) {
	const text = `
source: https://git.example.com/data/tasks.git
acceptHorizon: 310s
rate: 15
allowedHosts: [a.example.com, b]
tokens:
  - {name: lin, tokenFile: lin-token, verbs: [approve, read], author: lin@example.com}
  - {name: ci-1, tokenFile: ci-token, verbs: [retry]}
guards:
  approverIsNotAuthor: true
  allowProjects: ["1486804694126882816", 7]
  allowTasks: [orders, "nightly-*"]
  allowCommitTypes: [submit, start, 4]
  maxChanges: 50
  windows:
    - {name: weekend, timezone: Asia/Shanghai, days: [sat, Sunday]}
    - {name: night, from: "22:00", to: "06:00"}
    - {name: releases, mode: allow, days: [tue], from: "10:00", to: "16:00", projects: ["2"], tasks: ["orders-*"]}
    - {name: year end, mode: freeze, start: 2026-12-24T18:00:00+08:00, end: 2027-01-02T09:00:00+08:00}
`
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		when, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	want := &config.File{
		Values: map[string]config.Value{
			"source":        {Text: "https://git.example.com/data/tasks.git", Line: 2},
			"acceptHorizon": {Text: "310s", Line: 3},
			"rate":          {Text: "15", Line: 4},
			"allowedHosts":  {Text: "a.example.com,b", Line: 5},
		},
		Tokens: []config.TokenSettings{
			{Name: "lin", File: "lin-token", Verbs: []state.Verb{state.VerbApprove, access.VerbRead}},
			{Name: "ci-1", File: "ci-token", Verbs: []state.Verb{state.VerbRetry}},
		},
		Guards: plan.Guards{
			ApproverIsNotAuthor: true, Authors: []plan.Author{{Actor: "lin", Is: "lin@example.com"}},
			AllowProjects:    []string{"1486804694126882816", "7"},
			AllowTasks:       []string{"orders", "nightly-*"},
			AllowCommitTypes: []spec.CommitType{spec.Submit, spec.Start, spec.Resume},
			MaxChanges:       50,
			MaxChangePercent: 30,
			Windows: []calendar.Window{
				{Name: "weekend", Location: shanghai, Days: []time.Weekday{time.Saturday, time.Sunday}, To: 24 * time.Hour},
				{Name: "night", Location: time.UTC, From: 22 * time.Hour, To: 6 * time.Hour},
				{Name: "releases", Allow: true, Location: time.UTC, Days: []time.Weekday{time.Tuesday}, From: 10 * time.Hour, To: 16 * time.Hour, Projects: []string{"2"}, Tasks: []string{"orders-*"}},
				{Name: "year end", Location: time.UTC, To: 24 * time.Hour, Start: at("2026-12-24T18:00:00+08:00"), End: at("2027-01-02T09:00:00+08:00")},
			},
		},
	}
	got, err := config.Read("wedatasync.yaml", []byte(text), config.Defaults().Guards)
	if err != nil {
		t.Fatal(err)
	}
	sameZone := cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })
	if diff := cmp.Diff(want, got, sameZone); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestReadConfig_Mistakes: a configuration with a mistake is refused as a whole, and
// each mistake has its line.
func TestReadConfig_Mistakes(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"not yaml":          {"a: [", "c.yaml:1: not YAML"},
		"half a list":       {"rate: 1\nguards:\n  allowTasks: [a,\n  maxChanges: 1", "c.yaml:2: not YAML: did not find expected"},
		"an alias":          {"rate: *s3cr3t", "c.yaml:1: not YAML: it has a * without its &"},
		"a key of a kind":   {"a: 1\ns3cr3t: 1\nguards: {s3cr3t: 1}", "c.yaml:3: there is no such setting"},
		"an address":        {"notify: {channels: [{name: a, urlFile: 'https://s3cr3t'}]}", "c.yaml:1: notify.channels[0].urlFile: the name of a file is required"},
		"a list":            {"- a", "c.yaml:1: a mapping of settings is required"},
		"set twice":         {"rate: 1\nrate: 2", "c.yaml:2: this is set twice"},
		"a value missing":   {"rate:", "c.yaml:1: rate: a single value is required"},
		"a list for one":    {"rate: [1]", "c.yaml:1: rate: a single value is required"},
		"unknown guard":     {"guards:\n  maxChange: 1", `c.yaml:2: there is no setting "maxChange" here`},
		"guards not a map":  {"guards: 3", "c.yaml:1: guards: a mapping of settings is required"},
		"negative":          {"guards: {maxChanges: -1}", "a number from 0 to 1000000 is required"},
		"over 100 percent":  {"guards: {maxChangePercent: 101}", "a number from 0 to 100 is required"},
		"one for a list":    {"guards: {allowProjects: '1'}", "a list is required"},
		"no commit type":    {"guards: {allowCommitTypes: [stop]}", "this is not a commitType"},
		"window no name":    {"guards: {windows: [{days: [sat]}]}", "a window needs a name"},
		"window no zone":    {"guards: {windows: [{name: b, days: [sat]}, {name: a, timezone: Mars/Base}]}", "guards.windows[1].timezone: this is not a time zone"},
		"window any zone":   {"guards: {windows: [{name: a, timezone: Local}]}", "timezone: this is not a time zone"},
		"window no day":     {"guards: {windows: [{name: a, days: [someday]}]}", "guards.windows[0].days: this is not a day of the week"},
		"window no days":    {"guards: {windows: [{name: a, days: []}]}", "guards.windows[0].days: an empty list matches no day"},
		"window no clock":   {"guards: {windows: [{name: a, from: '25:00'}]}", "this is not a time of day"},
		"window half":       {"guards: {windows: [{name: a, start: 2026-12-24T18:00:00Z}]}", "has only one of start and end"},
		"window backwards":  {"guards: {windows: [{name: a, start: 2026-12-24T18:00:00Z, end: 2026-12-23T18:00:00Z}]}", "guards.windows[0]: end is not after start"},
		"window no times":   {"guards: {windows: [{name: a, mode: allow}]}", "guards.windows[0]: it has no times"},
		"window no length":  {"guards: {windows: [{name: a, from: '09:00', to: '09:00'}]}", "guards.windows[0]: from and to are the same time of day"},
		"window at the end": {"guards: {windows: [{name: a, from: '24:00', to: '06:00'}]}", "guards.windows[0]: from is the end of the day"},
		"window both":       {"guards: {windows: [{name: a, days: [sat], start: 2026-12-24T18:00:00Z, end: 2026-12-25T18:00:00Z}]}", "guards.windows[0]: days, from and to are for a weekly window"},
		"window mode":       {"guards: {windows: [{name: a, mode: deny, days: [sat]}]}", "guards.windows[0].mode: write freeze"},
		"window no tasks":   {"guards: {windows: [{name: a, days: [sat], tasks: []}]}", "guards.windows[0].tasks: an empty list matches no task"},
		"window one task":   {"guards: {windows: [{name: a, days: [sat], tasks: a}]}", "guards.windows[0].tasks: a list is required"},
		"window pattern":    {"guards: {windows: [{name: a, days: [sat], projects: [a*b]}]}", "guards.windows[0].projects: write an id"},
		"window not a map":  {"guards: {windows: [sat]}", "a mapping of settings is required"},
		"windows no list":   {"guards: {windows: sat}", "a list of windows is required"},
		"hosts no list":     {"allowedHosts: a.example.com", "c.yaml:1: allowedHosts: a list is required"},
		"author no rule":    {"guards: {approverIsNotAuthor: perhaps}", "true or false is required"},
		"tokens no list":    {"tokens: {name: lin}", "a list of tokens is required"},
		"token not a map":   {"tokens: [lin]", "a mapping of settings is required"},
		"token no name":     {"tokens: [{tokenFile: f, verbs: [retry]}]", "a token needs a name"},
		"token odd name":    {"tokens: [{name: 'lin (api)', tokenFile: f, verbs: [retry]}]", "a token needs a name for the history"},
		"token no file":     {"tokens: [{name: lin, verbs: [retry]}]", "needs its tokenFile"},
		"token no verbs":    {"tokens: [{name: lin, tokenFile: f, verbs: []}]", "needs verbs"},
		"token no verb":     {"tokens:\n  - name: lin\n    tokenFile: f\n    verbs: [s3cr3t]", "c.yaml:4: tokens.verbs: this is not a verb of a token: use one of approve retry"},
		"token a secret":    {"tokens: [{name: lin, token: s3cr3t, verbs: [retry]}]", `there is no setting "token" here`},
		"token twice":       {"tokens: [{name: a, tokenFile: f, verbs: [read]}, {name: a, tokenFile: g, verbs: [read]}]", "another token has this name"},
		"window no instant": {"guards: {windows: [{name: a, start: tomorrow, end: 2026-12-23T18:00:00Z}]}", "this is not a time"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Read("c.yaml", []byte(tt.text), plan.Guards{})
			if _, ok := errors.AsType[*config.FileError](err); !ok || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want a ConfigError with %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("a value is repeated: %v", err)
			}
		})
	}
}

// FuzzReadConfig: whatever the file holds, it is a configuration or a ConfigError.
func FuzzReadConfig(f *testing.F) {
	f.Add([]byte("source: a\nguards: {maxChanges: 1, windows: [{name: x, days: [sat]}]}"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("{a,a,a,a,a,a,a,a}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := config.Read("c.yaml", data, plan.Guards{})
		if _, ok := errors.AsType[*config.FileError](err); err != nil && !ok {
			t.Errorf("got %T: %v", err, err)
		}
		if cfg == nil && err == nil {
			t.Error("got neither a configuration nor an error")
		}
	})
}

func TestSettings_Validate(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*config.Settings)
		want   string // "" is valid
	}{
		"defaults":             {func(*config.Settings) {}, ""},
		"no source":            {func(s *config.Settings) { s.Source = "" }, "--source: is required"},
		"no state":             {func(s *config.Settings) { s.State = "" }, "--state: is required"},
		"no region":            {func(s *config.Settings) { s.Region = "" }, "--region: is required"},
		"rate of nothing":      {func(s *config.Settings) { s.Rate = 0 }, "--rate: 0 is not above 0"},
		"rate over the limit":  {func(s *config.Settings) { s.Rate = 21 }, "at most 20"},
		"share over all":       {func(s *config.Settings) { s.Share = 1.5 }, "--share: 1.5"},
		"interval too short":   {func(s *config.Settings) { s.Interval = time.Millisecond }, "shorter than 100ms"},
		"no grace":             {func(s *config.Settings) { s.Grace = 0 }, "--grace: 0s"},
		"log format":           {func(s *config.Settings) { s.LogFormat = "xml" }, "neither text nor json"},
		"http elsewhere":       {func(s *config.Settings) { s.Endpoint = "http://example.com" }, "leave over plain http"},
		"endpoint with a path": {func(s *config.Settings) { s.Endpoint = "https://example.com/api" }, "scheme"},
		"endpoint with a user": {func(s *config.Settings) { s.Endpoint = "https://user@example.com" }, "user name"},
		"short horizon":        {func(s *config.Settings) { s.AcceptHorizon = time.Second }, "less is for local endpoints"},
		"short horizon, local": {func(s *config.Settings) {
			s.AcceptHorizon, s.Endpoint = time.Second, "http://127.0.0.1:9741"
		}, ""},
		"short horizon, simulated": {func(s *config.Settings) { s.AcceptHorizon, s.Simulate = time.Second, true }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := config.Defaults()
			s.Source = "specs"
			tt.change(&s)
			err := s.Validate()
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v, want none", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestReadConfig_Notify: secrets are named by their files, and never stand in the
// configuration itself.
func TestReadConfig_Notify(t *testing.T) {
	const text = `
notify:
  link: https://wedatasync.example.com/
  forge: {kind: github, repository: acme/tasks, tokenFile: /run/secrets/forge, context: production}
  channels:
    - {name: ops, kind: wecom, urlFile: /run/secrets/wecom, topics: [task.refused, plan.held], template: "{{.Text}}"}
`
	cfg, err := config.Read("wedatasync.yaml", []byte(text), plan.Guards{})
	if err != nil {
		t.Fatal(err)
	}
	got := &cfg.Notify
	if got.Link != "https://wedatasync.example.com/" || got.Context != "production" || got.Forge == nil || len(got.Channels) != 1 {
		t.Fatalf("got %+v", got)
	}
	if f := got.Forge; f.Kind != forge.GitHub || f.Repository != "acme/tasks" || f.Token != secret.File("/run/secrets/forge") {
		t.Errorf("got forge %+v", f)
	}
	want := notify.Channel{
		Name: "ops", Kind: notify.WeCom, URL: secret.File("/run/secrets/wecom"),
		Topics: []notify.Topic{notify.TaskRefused, notify.PlanHeld}, Template: "{{.Text}}",
	}
	if c := got.Channels[0]; c.URL != want.URL || c.Name != want.Name || c.Kind != want.Kind || !slices.Equal(c.Topics, want.Topics) || c.Template != want.Template {
		t.Errorf("got channel %+v, want %+v", c, want)
	}
	if _, err := config.Read("c.yaml", []byte("notify: {channels: [{url: https://example.com}]}"), plan.Guards{}); err == nil {
		t.Error("the URL of a channel is a secret, and was taken from the configuration itself")
	}
}
