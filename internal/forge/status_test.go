package forge_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/apiclient"
	"github.com/wedatasync/wedatasync/internal/apiclient/apitest"
	problem "github.com/wedatasync/wedatasync/internal/fault"
	"github.com/wedatasync/wedatasync/internal/forge"
)

const revision = "4837b3f5c8704837b3f5c8704837b3f5c8704837"

// TestSetStatus_Once asks once, and says how long the forge wants to be left alone.
func TestSetStatus_Once(t *testing.T) {
	upsert(t, func(t *testing.T, f *fakeForge) {
		f.faults = []fault{{match: "POST", status: 502}, {match: "POST", status: 429, header: map[string]string{"Retry-After": "10"}}}
		target := f.open(t)
		s := forge.Status{State: forge.StateSuccess, Context: "wedatasync", Description: strings.Repeat("任", 100)}
		for _, wait := range []time.Duration{0, 10 * time.Second} {
			err := target.SetStatus(t.Context(), revision, s)
			if e, ok := errors.AsType[*problem.Error](err); !ok || e.RetryAfter != wait {
				t.Errorf("error %v, want one that asks to wait %v", err, wait)
			}
		}
		if err := target.SetStatus(t.Context(), revision, s); err != nil {
			t.Fatal(err)
		}
		if len(f.asked) != 3 || len(f.statuses) != 1 || len(f.statuses[0]["description"]) > 140 {
			t.Errorf("%d requests, statuses = %v", len(f.asked), f.statuses)
		}
		if _, ok := f.statuses[0]["target_url"]; ok {
			t.Error("an empty URL was sent")
		}
	})
}

// TestSetStatus_Words has each state in the words of the forge.
func TestSetStatus_Words(t *testing.T) {
	upsert(t, func(t *testing.T, f *fakeForge) {
		want := []string{"pending", "success", "failure", "success"}
		if f.kind == forge.GitLab {
			want = []string{"running", "success", "failed", "canceled"}
		}
		target := f.open(t)
		for i, state := range []forge.State{forge.StatePending, forge.StateSuccess, forge.StateFailure, forge.StateOvertaken} {
			if err := target.SetStatus(t.Context(), revision, forge.Status{State: state}); err != nil {
				t.Fatal(err)
			}
			if got := f.statuses[i]["state"]; got != want[i] {
				t.Errorf("%s is %s, want %s", state, got, want[i])
			}
		}
	})
}

// TestSetStatus_Fails gives up within bounds, and says what is wrong.
func TestSetStatus_Fails(t *testing.T) {
	tests := []struct {
		name  string
		fault fault
		want  error
		asked int // requests
	}{
		{"always busy", fault{match: "POST", status: 503}, apiclient.ErrUnavailable, 1},
		{"busy for long", fault{match: "POST", status: 429, header: map[string]string{"Retry-After": "7200"}}, apiclient.ErrLimited, 1},
		{"a token that was revoked", fault{match: "POST", status: 401}, apiclient.ErrToken, 1},
		{"a token that may not", fault{match: "POST", status: 403}, apiclient.ErrPermission, 1},
		{"no such commit", fault{match: "POST", status: 404}, apiclient.ErrNotFound, 1},
		{"a page of a proxy", fault{match: "POST", status: 302, header: map[string]string{"Location": "https://login.example.com/"}}, apiclient.ErrBadAnswer, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			upsert(t, func(t *testing.T, f *fakeForge) {
				for range 10 {
					f.faults = append(f.faults, test.fault)
				}
				start := time.Now()
				err := f.open(t).SetStatus(t.Context(), revision, forge.Status{State: forge.StateSuccess})
				if !errors.Is(err, test.want) || len(f.asked) != test.asked || len(f.statuses) != 0 {
					t.Errorf("error %v after %d requests, want %v after %d", err, len(f.asked), test.want, test.asked)
				}
				if took := time.Since(start); took > 3*time.Minute {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// TestSetStatus_Silence ends although the forge never answers.
func TestSetStatus_Silence(t *testing.T) {
	upsert(t, func(t *testing.T, f *fakeForge) {
		target := f.open(t, func(c *forge.Config) { c.Transport = apitest.Insecure{Transport: apitest.Serve(t, apitest.Silence)} })
		start := time.Now()
		err := target.SetStatus(t.Context(), revision, forge.Status{State: forge.StateSuccess})
		if took := time.Since(start); !errors.Is(err, apiclient.ErrUnavailable) || took > 3*time.Minute {
			t.Errorf("error %v after %v", err, took)
		}
	})
}

// TestSetStatus_Same takes GitLab's refusal to set what is set for done, and no other one.
func TestSetStatus_Same(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		no := fault{match: "POST", status: 400, body: `{"message":"Cannot transition status via :success from :canceled"}`}
		f := &fakeForge{kind: forge.GitLab, faults: []fault{no}}
		if err := f.open(t).SetStatus(t.Context(), revision, forge.Status{State: forge.StateSuccess}); err == nil {
			t.Error("a success that the forge refuses was taken for done")
		}
		f = &fakeForge{kind: forge.GitLab, faults: []fault{{match: "POST", status: 400, body: `{"message":"Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition via \"enqueue\")"}`}}}
		if err := f.open(t).SetStatus(t.Context(), revision, forge.Status{State: forge.StatePending}); err != nil {
			t.Error(err)
		}
	})
}

func TestSetStatus_NoCommit(t *testing.T) {
	f := &fakeForge{kind: forge.GitHub}
	target := f.open(t)
	for _, revision := range []string{"", "main", "dir:a9be91e5", revision[:12], strings.ToUpper(revision), revision[:38] + "/x"} {
		if err := target.SetStatus(t.Context(), revision, forge.Status{}); err == nil {
			t.Errorf("%q was taken for a commit", revision)
		}
	}
	if len(f.asked) > 0 {
		t.Errorf("requests: %v", f.asked)
	}
}

// TestSetStatus_Hints speak of the daemon's token file, and of no job.
func TestSetStatus_Hints(t *testing.T) {
	upsert(t, func(t *testing.T, f *fakeForge) {
		f.faults = []fault{{status: 401}, {status: 403}}
		target := f.open(t, func(c *forge.Config) { c.PullRequest = 0 })
		for _, want := range []string{"notify.forge.tokenFile", "the token needs"} {
			err := target.SetStatus(t.Context(), revision, forge.Status{State: forge.StateSuccess})
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "job") || strings.Contains(err.Error(), "fork") {
				t.Errorf("error %v, want one that says %q and speaks of no job", err, want)
			}
		}
	})
}
