package spec_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/spec"
)

// Each field decides which digests it is part of.
func TestDigestsCoverTheirFields(t *testing.T) {
	base := spec.Commit{
		Key:             key("p", "t"),
		CommitType:      spec.Start,
		TaskType:        spec.Realtime,
		InstanceVersion: 3,
		VersionDesc:     "v3",
		EventDesc:       "nightly",
		ExtConfig:       []spec.Param{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}},
		Rerun:           "once",
	}
	for name, c := range map[string]struct {
		change                        func(*spec.Commit)
		content, ext, wanted, request bool // differ
	}{
		"project":          {change: func(c *spec.Commit) { c.ProjectID = "q" }, wanted: true, request: true},
		"task":             {change: func(c *spec.Commit) { c.TaskID = "u" }, wanted: true, request: true},
		"commit type":      {change: func(c *spec.Commit) { c.CommitType = spec.Resume }, content: true, wanted: true, request: true},
		"task type":        {change: func(c *spec.Commit) { c.TaskType = spec.Offline }, content: true, wanted: true, request: true},
		"no task type":     {change: func(c *spec.Commit) { c.TaskType = 0 }, wanted: true, request: true},
		"version":          {change: func(c *spec.Commit) { c.InstanceVersion = 4 }, wanted: true, request: true},
		"version text":     {change: func(c *spec.Commit) { c.VersionDesc = "v4" }, wanted: true, request: true},
		"event text":       {change: func(c *spec.Commit) { c.EventDesc = "" }, wanted: true, request: true},
		"parameter value":  {change: func(c *spec.Commit) { c.ExtConfig = []spec.Param{{Name: "a", Value: "2"}, {Name: "b", Value: "2"}} }, content: true, ext: true, wanted: true, request: true},
		"parameter gone":   {change: func(c *spec.Commit) { c.ExtConfig = c.ExtConfig[:1] }, content: true, ext: true, wanted: true, request: true},
		"parameters moved": {change: func(c *spec.Commit) { c.ExtConfig = []spec.Param{{Name: "b", Value: "2"}, {Name: "a", Value: "1"}} }, request: true},
		"text moved over":  {change: func(c *spec.Commit) { c.VersionDesc, c.EventDesc = "v3n", "ightly" }, wanted: true, request: true},
		"rerun":            {change: func(c *spec.Commit) { c.Rerun = "twice" }, wanted: true},
		"suspend":          {change: func(c *spec.Commit) { c.Suspend = true }},
		"wait":             {change: func(c *spec.Commit) { c.Wait.Timeout = time.Minute }},
		"dependency":       {change: func(c *spec.Commit) { c.DependsOn = []spec.Key{key("p", "u")} }},
		"place":            {change: func(c *spec.Commit) { c.Pos.Line++ }},
	} {
		changed := base
		c.change(&changed)
		for _, d := range []struct {
			name string
			of   func(*spec.Commit) spec.Digest
			want bool
		}{
			{"Content", (*spec.Commit).Content, c.content},
			{"ExtDigest", (*spec.Commit).ExtDigest, c.ext},
			{"Wanted", (*spec.Commit).Wanted, c.wanted},
			{"Request", (*spec.Commit).Request, c.request},
		} {
			if differ := d.of(&base) != d.of(&changed); differ != d.want {
				t.Errorf("%s: %s differs: %v, want %v", name, d.name, differ, d.want)
			}
		}
	}
}

// The order of extConfig is nobody's intention.
func TestContentIgnoresTheOrderOfParameters(t *testing.T) {
	param := rapid.Custom(func(t *rapid.T) spec.Param {
		return spec.Param{Name: rapid.String().Draw(t, "name"), Value: rapid.String().Draw(t, "value")}
	})
	rapid.Check(t, func(t *rapid.T) {
		params := rapid.SliceOfDistinct(param, func(p spec.Param) string { return p.Name }).Draw(t, "extConfig")
		a := spec.Commit{ExtConfig: slices.Clone(params)}
		b := spec.Commit{ExtConfig: rapid.Permutation(params).Draw(t, "other order")}
		if a.Content() != b.Content() || a.ExtDigest() != b.ExtDigest() || a.Wanted() != b.Wanted() {
			t.Fatal("the order makes a difference")
		}
		if !slices.Equal(a.ExtConfig, params) {
			t.Fatal("taking a digest changed the commit")
		}
	})
}

func TestDigestsAreTextInJSON(t *testing.T) {
	c := spec.Commit{Key: key("p", "t")}
	for _, d := range []spec.Digest{{}, c.Wanted()} {
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var back spec.Digest
		if err := json.Unmarshal(text, &back); err != nil || back != d {
			t.Errorf("%s was read as %v, %v", text, back, err)
		}
	}
	for _, text := range []string{"00", "zz" + c.Wanted().String()[2:], c.Wanted().String() + "00"} {
		var d spec.Digest
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is no digest", text)
		}
	}
	if !(spec.Digest{}).IsZero() || c.Wanted().IsZero() {
		t.Error("IsZero is wrong")
	}
}

func TestKeysAreOrderedByProjectThenTask(t *testing.T) {
	keys := []spec.Key{key("b", "a"), key("a", "c"), key("a", "b"), key("", "z")}
	slices.SortFunc(keys, spec.Key.Compare)
	if want := []spec.Key{key("", "z"), key("a", "b"), key("a", "c"), key("b", "a")}; !slices.Equal(keys, want) {
		t.Errorf("got %v", keys)
	}
}
