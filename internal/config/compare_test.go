package config_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/reconcile/calendar"
	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// TestCompare_SeesEverything changes each field that the settings have, one at a
// time: a reload takes it over, or says that it takes a restart. None is passed over.
func TestCompare_SeesEverything(t *testing.T) {
	// These are joined by the program, and no setting.
	wired := []string{
		"Notify.Transport", "Notify.NewID", "Notify.Logger", "Notify.Forge.PullRequest", "Notify.Forge.UserAgent",
		"Notify.Forge.Timeout", "Notify.PlainHosts", "Notify.Forge.PlainHosts", "Notify.Forge.Transport", "Notify.Forge.Logger",
	}
	fields := 0
	leaves(reflect.ValueOf(new(fullSettings())).Elem(), "", func(path string, index []int) {
		if slices.Contains(wired, path) {
			return
		}
		fields++
		old, next := fullSettings(), fullSettings()
		change(t, path, at(reflect.ValueOf(&next).Elem(), index))
		changes, err := config.Compare(&old, &next)
		if _, restart := errors.AsType[*config.RestartError](err); len(changes) == 0 && !restart {
			t.Errorf("%s changes, and nobody sees it (%v)", path, err)
		}
		if changes, err := config.Compare(&next, &next); len(changes) > 0 || err != nil {
			t.Errorf("%s: the same settings differ: %v %v", path, changes, err)
		}
	})
	if fields < 40 {
		t.Errorf("only %d fields were found: is the test looking at them?", fields)
	}
}

// fullSettings are settings in which nothing is empty that has fields of its own.
func fullSettings() config.Settings {
	s := config.Defaults()
	s.Guards.Windows = []calendar.Window{{Name: "w", Location: time.UTC, Start: time.Unix(1, 0), End: time.Unix(2, 0)}}
	s.Guards.Authors = []plan.Author{{Actor: "lin", Is: "lin@example.com"}}
	s.Tokens = []config.TokenSettings{{Name: "lin", File: "lin-token"}}
	s.Notify.Forge = &forge.Config{}
	s.Notify.Channels = []notify.Channel{{Name: "ops", Kind: notify.Slack}}
	return s
}

// leaves visits the fields of a struct that are none themselves.
func leaves(v reflect.Value, path string, visit func(path string, index []int)) {
	var walk func(v reflect.Value, path string, index []int)
	walk = func(v reflect.Value, path string, index []int) {
		if v.Kind() == reflect.Pointer && v.Type().Elem() == reflect.TypeFor[forge.Config]() {
			v = v.Elem()
		}
		whole := v.Type() == reflect.TypeFor[secret.Value]() || v.Type() == reflect.TypeFor[time.Time]()
		switch {
		case v.Kind() == reflect.Struct && !whole:
			for i := range v.NumField() {
				name := v.Type().Field(i).Name
				if path != "" {
					name = path + "." + name
				}
				walk(v.Field(i), name, append(slices.Clone(index), i))
			}
		case v.Kind() == reflect.Slice && v.Len() > 0 && v.Index(0).Kind() == reflect.Struct:
			walk(v.Index(0), path, append(slices.Clone(index), 0))
		default:
			visit(path, index)
		}
	}
	walk(v, path, nil)
}

// at returns the field that leaves has visited.
func at(v reflect.Value, index []int) reflect.Value {
	for _, i := range index {
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if v.Kind() == reflect.Slice {
			v = v.Index(i)
			continue
		}
		v = v.Field(i)
	}
	return v
}

// change makes another value of a field.
func change(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	switch v.Interface().(type) {
	case secret.Value:
		v.Set(reflect.ValueOf(secret.File("/other")))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(3, 0)))
		return
	case *time.Location:
		v.Set(reflect.ValueOf(time.FixedZone("Elsewhere", 3600)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("other")
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + int64(time.Hour))
	case reflect.Float64:
		v.SetFloat(v.Float() / 2)
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		if e := v.Index(0); e.Kind() == reflect.String {
			e.SetString("other")
		}
	default:
		t.Fatalf("%s is a %s: say how it changes", path, v.Kind())
	}
}

// TestCompare: what has changed has its name, and both values; what takes a restart
// refuses all, and shows no value.
func TestCompare(t *testing.T) {
	old, next := config.Defaults(), config.Defaults()
	next.Interval, next.Guards.MaxChanges = time.Minute, 50
	next.Notify.Channels = []notify.Channel{{Name: "ops", Kind: notify.Slack, URL: secret.File("/run/slack")}}
	got, err := config.Compare(&old, &next)
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Change{
		{Name: "guards.maxChanges", Old: "0", New: "50"},
		{Name: "interval", Old: "30s", New: "1m0s"},
		{Name: "notify.channels.ops.kind", New: "slack"},
		{Name: "notify.channels.ops.urlFile", New: "/run/slack"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	next.Source, next.Region = "https://ada:s3cr3t@git.example.com/tasks.git", "ap-tokyo"
	got, err = config.Compare(&old, &next)
	if err == nil || len(got) > 0 || err.Error() != "region, source cannot change while the daemon runs: restart it, or set back what has changed" {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestCompare_Windows: whatever changes in a window is a change of the settings.
func TestCompare_Windows(t *testing.T) {
	base := calendar.Window{Name: "w", Location: time.UTC, To: 24 * time.Hour}
	for name, change := range map[string]func(*calendar.Window){
		"name":     func(w *calendar.Window) { w.Name = "v" },
		"mode":     func(w *calendar.Window) { w.Allow = true },
		"zone":     func(w *calendar.Window) { w.Location = time.FixedZone("X", 1) },
		"days":     func(w *calendar.Window) { w.Days = []time.Weekday{time.Monday} },
		"from":     func(w *calendar.Window) { w.From = time.Hour },
		"to":       func(w *calendar.Window) { w.To = time.Hour },
		"once":     func(w *calendar.Window) { w.Start, w.End = time.Unix(1, 0), time.Unix(2, 0) },
		"projects": func(w *calendar.Window) { w.Projects = []string{"1"} },
		"tasks":    func(w *calendar.Window) { w.Tasks = []string{"1"} },
	} {
		old, next, other := config.Defaults(), config.Defaults(), base
		change(&other)
		old.Guards.Windows, next.Guards.Windows = []calendar.Window{base}, []calendar.Window{other}
		changes, err := config.Compare(&old, &next)
		if err != nil || len(changes) != 1 || changes[0].Name != "guards.windows" {
			t.Errorf("%s: %+v, %v", name, changes, err)
		}
	}
}

// TestPlanDigest: the digest is another one with each setting that another plan can come of, and
// with no other.
func TestPlanDigest(t *testing.T) {
	for name, tt := range map[string]struct {
		edit  func(*config.Settings)
		other bool
	}{
		"branch":       {func(s *config.Settings) { s.Branch = "next" }, true},
		"path":         {func(s *config.Settings) { s.Path = "specs" }, true},
		"drift policy": {func(s *config.Settings) { s.DriftPolicy = "heal" }, true},
		"verify":       {func(s *config.Settings) { s.Verify = "head" }, true},
		"signing keys": {func(s *config.Settings) { s.Git.AllowedSignersFile = "signers" }, true},
		"guards":       {func(s *config.Settings) { s.Guards.MaxChanges = 7 }, true},
		"windows":      {func(s *config.Settings) { s.Guards.Windows = []calendar.Window{{Name: "night", To: time.Hour}} }, true},
		"window's zone": {func(s *config.Settings) {
			s.Guards.Windows = []calendar.Window{{Name: "night", To: time.Hour, Location: time.Local}}
		}, true},
		"approvers":       {func(s *config.Settings) { s.Guards.Authors = []plan.Author{{Actor: "ada", Is: "ada@example.com"}} }, true},
		"interval":        {func(s *config.Settings) { s.Interval = time.Hour }, false},
		"token file":      {func(s *config.Settings) { s.Git.TokenFile = "token" }, false},
		"log level":       {func(s *config.Settings) { s.LogLevel = "debug" }, false},
		"nothing at all":  {func(*config.Settings) {}, false},
		"rate of commits": {func(s *config.Settings) { s.Rate = 1 }, false},
	} {
		before, after := config.Defaults(), config.Defaults()
		tt.edit(&after)
		if other := before.PlanDigest() != after.PlanDigest(); other != tt.other {
			t.Errorf("%s: the digest is another one: %v, want %v", name, other, tt.other)
		}
	}
}
