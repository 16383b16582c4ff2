package forge_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/apiclient"
	"github.com/wedatasync/wedatasync/internal/apiclient/apitest"
	"github.com/wedatasync/wedatasync/internal/forge"
)

var kinds = []forge.Kind{forge.GitHub, forge.GitLab, forge.Gitea}

// marker is the first line of the comments for a key.
func marker(key string) string { return "<!-- wedatasync:plan key=" + key + " -->" }

// body is a comment that says something.
func body(says string) string { return marker("prod") + "\n### " + says + "\n" }

var create = forge.Options{CreateIfMissing: true}

// upsert runs one story against each forge, in a bubble whose time is not real.
func upsert(t *testing.T, story func(t *testing.T, f *fakeForge)) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { story(t, &fakeForge{kind: kind}) })
		})
	}
}

// mustUpsert posts and returns what became of it.
func mustUpsert(t *testing.T, forge *forge.Forge, body string, o forge.Options) forge.Action {
	t.Helper()
	p, err := forge.Upsert(t.Context(), body, o)
	if err != nil {
		t.Fatal(err)
	}
	return p.Action
}

func TestUpsert_CreatesThenKeepsCurrent(t *testing.T) {
	upsert(t, func(t *testing.T, f *fakeForge) {
		f.say(stranger, "Looks good to me.")
		target := f.open(t)
		var got []forge.Action
		for _, says := range []string{"1 commit", "1 commit", "2 commits"} {
			got = append(got, mustUpsert(t, target, body(says), create))
		}
		want := []forge.Action{forge.ActionCreated, forge.ActionUnchanged, forge.ActionUpdated}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("actions (-want +got):\n%s", diff)
		}
		if n := len(f.writes()); n != 2 {
			t.Errorf("%d writes, want 2: %v", n, f.asked)
		}
		if f.remarks[1].body != body("2 commits") {
			t.Errorf("the comment says %q", f.remarks[1].body)
		}
	})
}

func TestUpsert_NeverCreatesToSayNothing(t *testing.T) {
	upsert(t, func(t *testing.T, f *fakeForge) {
		target := f.open(t)
		if got := mustUpsert(t, target, body("nothing to do"), forge.Options{}); got != forge.ActionSkipped {
			t.Errorf("action = %s", got)
		}
		f.say(us, body("1 commit"))
		if got := mustUpsert(t, target, body("nothing to do"), forge.Options{}); got != forge.ActionUpdated {
			t.Errorf("action = %s", got)
		}
		if len(f.remarks) != 1 {
			t.Errorf("%d comments", len(f.remarks))
		}
	})
}

// TestUpsert_Pages finds the comment behind hundreds of others. The link to the
// next page names another host, which gets no request.
func TestUpsert_Pages(t *testing.T) {
	upsert(t, func(t *testing.T, f *fakeForge) {
		for range 730 {
			f.say(stranger, "Ship it.")
		}
		f.say(us, body("1 commit"))
		target := f.open(t)
		if got := mustUpsert(t, target, body("2 commits"), create); got != forge.ActionUpdated {
			t.Errorf("action = %s", got)
		}
		want := map[forge.Kind]int{forge.GitHub: 8, forge.GitLab: 8, forge.Gitea: 1}[f.kind]
		if got := f.count("GET") - f.count("GET /user") - f.count("GET /api/v4/user") - f.count("GET /api/v1/user"); got != want {
			t.Errorf("%d pages read, want %d", got, want)
		}
	})
}

// TestUpsert_Others leaves comments alone that carry our marker and are not ours:
// who wrote one could change what it says after us.
func TestUpsert_Others(t *testing.T) {
	upsert(t, func(t *testing.T, f *fakeForge) {
		f.say(stranger, body("all is well"))
		f.say(us, "I quote:\n"+body("1 commit"))
		target := f.open(t)
		if got := mustUpsert(t, target, body("2 commits"), create); got != forge.ActionCreated {
			t.Errorf("action = %s", got)
		}
		if f.remarks[0].body != body("all is well") {
			t.Error("a stranger's comment was changed")
		}
		if got := mustUpsert(t, target, body("2 commits"), create); got != forge.ActionUnchanged {
			t.Errorf("action = %s", got)
		}
	})
}

// TestUpsert_OthersWhenWeAreNotTold does without knowing who we are: GitHub's job
// token may not ask. On GitHub we are a bot then; elsewhere the forge refuses.
func TestUpsert_OthersWhenWeAreNotTold(t *testing.T) {
	upsert(t, func(t *testing.T, f *fakeForge) {
		f.anon, f.onlyOwn = true, true
		f.say(us, body("1 commit"))
		f.say(stranger, body("all is well"))
		target := f.open(t)
		if got := mustUpsert(t, target, body("2 commits"), create); got != forge.ActionUpdated {
			t.Errorf("action = %s", got)
		}
		if f.remarks[1].body != body("all is well") || f.remarks[0].body != body("2 commits") {
			t.Errorf("comments: %v", f.remarks)
		}
		want := map[forge.Kind]int{forge.GitHub: 1, forge.GitLab: 2, forge.Gitea: 2}[f.kind]
		if n := len(f.writes()); n != want {
			t.Errorf("%d writes, want %d: %v", n, want, f.writes())
		}
	})
}

// TestUpsert_TwoOfOurs keeps the newer one current, and folds the other into it.
func TestUpsert_TwoOfOurs(t *testing.T) {
	upsert(t, func(t *testing.T, f *fakeForge) {
		f.say(us, body("1 commit"))
		f.say(us, body("2 commits"))
		f.say(stranger, body("3 commits"))
		target := f.open(t)
		mustUpsert(t, target, body("3 commits"), create)
		if f.remarks[1].body != body("3 commits") || !strings.Contains(f.remarks[0].body, "newer comment") || f.remarks[2].body != body("3 commits") {
			t.Errorf("comments: %v", f.remarks)
		}
		before := len(f.writes())
		if got := mustUpsert(t, target, body("3 commits"), create); got != forge.ActionUnchanged || len(f.writes()) != before {
			t.Errorf("action = %s, %v", got, f.writes())
		}
	})
}

// TestUpsert_Race: two jobs that each saw no comment leave one plan, and a way to it.
func TestUpsert_Race(t *testing.T) {
	upsert(t, func(t *testing.T, f *fakeForge) {
		other := func(f *fakeForge) { f.say(us, body("1 commit")) }
		f.faults = []fault{{match: "POST", before: other}}
		if got := mustUpsert(t, f.open(t), body("2 commits"), create); got != forge.ActionCreated {
			t.Errorf("action = %s", got)
		}
		if len(f.remarks) != 2 || f.remarks[1].body != body("2 commits") || !strings.Contains(f.remarks[0].body, "newer comment") {
			t.Errorf("comments: %v", f.remarks)
		}
	})
}

func TestUpsert_OtherKeysAreOthers(t *testing.T) {
	upsert(t, func(t *testing.T, f *fakeForge) {
		f.say(us, marker("staging")+"\n### 1 commit\n")
		if got := mustUpsert(t, f.open(t), body("1 commit"), create); got != forge.ActionCreated {
			t.Errorf("action = %s", got)
		}
	})
}

// TestUpsert_SystemNotes are GitLab's own, even in our name.
func TestUpsert_SystemNotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeForge{kind: forge.GitLab}
		f.say(us, body("1 commit"))
		f.remarks[0].system = true
		if got := mustUpsert(t, f.open(t), body("1 commit"), create); got != forge.ActionCreated {
			t.Errorf("action = %s", got)
		}
	})
}

// TestUpsert_LineEnds takes a comment for the same when only its line ends and the
// space after it differ: what is stored is not always what was sent.
func TestUpsert_LineEnds(t *testing.T) {
	upsert(t, func(t *testing.T, f *fakeForge) {
		f.say(us, strings.TrimSpace(strings.ReplaceAll(body("1 commit"), "\n", "\r\n")))
		if got := mustUpsert(t, f.open(t), body("1 commit"), create); got != forge.ActionUnchanged {
			t.Errorf("action = %s", got)
		}
	})
}

func TestUpsert_DeletedMeanwhile(t *testing.T) {
	upsert(t, func(t *testing.T, f *fakeForge) {
		f.say(us, body("1 commit"))
		gone := func(f *fakeForge) { f.remarks = nil }
		f.faults = []fault{{match: "PATCH", before: gone}, {match: "PUT", before: gone}}
		target := f.open(t)
		if got := mustUpsert(t, target, body("2 commits"), create); got != forge.ActionCreated {
			t.Errorf("action = %s", got)
		}
		if len(f.remarks) != 1 || f.remarks[0].body != body("2 commits") {
			t.Errorf("comments: %v", f.remarks)
		}
	})
}

// TestUpsert_LostAnswer creates one comment when the answer to the create is lost,
// and when the create itself was.
func TestUpsert_LostAnswer(t *testing.T) {
	for _, effect := range []bool{true, false} {
		upsert(t, func(t *testing.T, f *fakeForge) {
			f.faults = []fault{{match: "POST", status: 502, body: "<html>Bad Gateway</html>", after: effect}}
			forge := f.open(t)
			mustUpsert(t, forge, body("1 commit"), create)
			if len(f.remarks) != 1 {
				t.Errorf("%d comments, want 1: %v", len(f.remarks), f.asked)
			}
		})
	}
}

// TestUpsert_Retries gets through what passes by itself, and waits as long as it
// is asked to.
func TestUpsert_Retries(t *testing.T) {
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of a bubble
	tests := []struct {
		name  string
		fault fault
		wait  time.Duration // at the least
		most  time.Duration
	}{
		{"server error", fault{status: 500}, 500 * time.Millisecond, 2 * time.Second},
		{"unavailable for some time", fault{status: 503, header: map[string]string{"Retry-After": "20"}}, 20 * time.Second, 20 * time.Second},
		{"too many requests", fault{status: 429, header: map[string]string{"Retry-After": "30"}}, 30 * time.Second, 30 * time.Second},
		{"too many requests, until a date", fault{status: 429, header: map[string]string{"Retry-After": start.Add(40 * time.Second).Format(http.TimeFormat)}}, 40 * time.Second, 40 * time.Second},
		{"too many requests, unsaid", fault{status: 429}, time.Minute, time.Minute},
		{"GitHub's primary limit", fault{status: 403, header: map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "946684845"}, body: `{"message":"API rate limit exceeded"}`}, 45 * time.Second, 45 * time.Second},
		{"GitHub's secondary limit", fault{status: 403, body: `{"message":"You have exceeded a secondary rate limit."}`}, time.Minute, time.Minute},
		{"GitHub's secondary limit, timed", fault{status: 403, header: map[string]string{"Retry-After": "5"}, body: `{"message":"You have exceeded a secondary rate limit."}`}, 5 * time.Second, 5 * time.Second},
		{"not JSON", fault{status: 200, body: "<html>maintenance</html>"}, 500 * time.Millisecond, 2 * time.Second},
	}
	for _, test := range tests {
		for _, match := range []string{"GET", "POST"} {
			if match == "POST" && test.fault.status == 200 {
				continue // the create was done: see TestUpsert_LostAnswer
			}
			t.Run(test.name+" "+match, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					test.fault.match = match
					f := &fakeForge{kind: forge.GitHub, faults: []fault{test.fault}}
					forge := f.open(t)
					mustUpsert(t, forge, body("1 commit"), create)
					if took := time.Since(start); took < test.wait || took > test.most {
						t.Errorf("it took %v, want %v to %v", took, test.wait, test.most)
					}
					if len(f.remarks) != 1 {
						t.Errorf("%d comments", len(f.remarks))
					}
				})
			})
		}
	}
}

// TestUpsert_Fails ends with what is wrong and what to do about it.
func TestUpsert_Fails(t *testing.T) {
	many := func(f fault) []fault { return slices.Repeat([]fault{f}, 50) }
	tests := []struct {
		name   string
		faults []fault
		kind   error
		says   []string
		asked  int // requests, at the most
	}{
		{"token", many(fault{status: 401, body: `{"message":"Bad credentials ` + token + ` (` + base64.StdEncoding.EncodeToString([]byte(token)) + `)"}`}), apiclient.ErrToken, []string{"pull request 7 of acme/tasks", "Bad credentials [redacted] ([redacted])", "GITHUB_TOKEN"}, 1},
		{"permission", []fault{{match: "POST", status: 403, body: `{"message":"Resource not accessible by integration"}`}}, apiclient.ErrPermission, []string{"pull-requests: write", "fork"}, 2},
		{"not found", many(fault{status: 404, body: `{"message":"Not Found"}`}), apiclient.ErrNotFound, []string{"at https://api.example.com/repos/acme/tasks/issues/7/comments", "check the address of the forge, the repository"}, 1},
		{"invalid", []fault{{match: "POST", status: 422, body: `{"message":"Validation Failed","errors":[{"code":"unprocessable"}]}`}}, apiclient.ErrRefused, []string{`Validation Failed: [{"code":"unprocessable"}] (HTTP 422)`}, 2},
		{"down", many(fault{status: 503}), apiclient.ErrUnavailable, []string{"HTTP 503"}, 5},
		{"down while creating", many(fault{match: "POST", status: 503}), apiclient.ErrUnavailable, []string{"HTTP 503"}, 10},
		{"limited for an hour", many(fault{status: 429, header: map[string]string{"Retry-After": "3600"}}), apiclient.ErrLimited, []string{"wait 1h0m0s"}, 1},
		{"limited for ages", many(fault{status: 429, header: map[string]string{"Retry-After": "99999999999999999999"}}), apiclient.ErrLimited, nil, 5},
		{"nonsense", many(fault{status: 200, body: `{"comments":[]}`}), apiclient.ErrBadAnswer, []string{"cannot unmarshal"}, 5},
		{"elsewhere", many(fault{status: 307, header: map[string]string{"Location": "https://evil.example.com/steal"}}), apiclient.ErrBadAnswer, []string{"elsewhere, to https://evil.example.com"}, 1},
		{"endless", many(fault{status: 200, header: map[string]string{"Link": `</x?page=1>; rel="next"`}, body: `[]`}), apiclient.ErrBadAnswer, []string{"no end"}, 1},
		{"round in circles", many(fault{status: 307, header: map[string]string{"Location": "/again"}}), apiclient.ErrBadAnswer, []string{"again and again"}, 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeForge{kind: forge.GitHub, faults: test.faults}
				start := time.Now()
				_, err := f.open(t).Upsert(t.Context(), body("1 commit"), create)
				if !errors.Is(err, test.kind) {
					t.Fatalf("error = %v, want %v", err, test.kind)
				}
				apitest.Hides(t, err.Error())
				for _, says := range test.says {
					if !strings.Contains(err.Error(), says) {
						t.Errorf("%q does not say %q", err, says)
					}
				}
				if strings.ContainsAny(err.Error(), "\r\n") || len(err.Error()) > 1000 {
					t.Errorf("not one line: %q", err)
				}
				if len(f.asked) > test.asked {
					t.Errorf("%d requests, want %d at the most: %v", len(f.asked), test.asked, f.asked)
				}
				if took := time.Since(start); took > 3*time.Minute {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// TestUpsert_FollowsItsHost follows a renamed repository on the same host.
func TestUpsert_FollowsItsHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeForge{kind: forge.GitHub}
		f.faults = []fault{
			{match: "GET /repos/acme/old", status: 301, header: map[string]string{"Location": "/repos/acme/tasks/issues/7/comments?page=1"}},
			{match: "POST /repos/acme/old", status: 307, header: map[string]string{"Location": "/repos/acme/tasks/issues/7/comments"}},
		}
		target := f.open(t, func(c *forge.Config) { c.Repository = "acme/old" })
		if got := mustUpsert(t, target, body("1 commit"), create); got != forge.ActionCreated {
			t.Errorf("action = %s", got)
		}
	})
}

// TestUpsert_MovedWrite refuses what would silently turn a write into a read.
func TestUpsert_MovedWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeForge{kind: forge.GitHub, faults: []fault{{match: "POST", status: 301, header: map[string]string{"Location": "/repos/acme/tasks/issues/7/comments"}}}}
		_, err := f.open(t).Upsert(t.Context(), body("1 commit"), create)
		if !errors.Is(err, apiclient.ErrBadAnswer) {
			t.Errorf("error = %v", err)
		}
	})
}

func TestUpsert_Silence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		forge := (&fakeForge{kind: forge.GitHub}).open(t, func(c *forge.Config) { c.Transport = apitest.Insecure{Transport: apitest.Serve(t, apitest.Silence)} })
		start := time.Now()
		_, err := forge.Upsert(t.Context(), body("1 commit"), create)
		if !errors.Is(err, apiclient.ErrUnavailable) {
			t.Errorf("error = %v", err)
		}
		if took := time.Since(start); took > 3*time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}

// TestUpsert_Flood does not read an answer for as long as it goes on.
func TestUpsert_Flood(t *testing.T) {
	flood := &endless{}
	transport := apitest.RoundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Request: r, Body: io.NopCloser(io.MultiReader(strings.NewReader("["), flood))}, nil
	})
	forge := (&fakeForge{kind: forge.GitHub}).open(t, func(c *forge.Config) { c.Transport = transport })
	if _, err := forge.Upsert(t.Context(), body("1 commit"), create); !errors.Is(err, apiclient.ErrBadAnswer) {
		t.Errorf("error = %v", err)
	}
	if flood.read > 33<<20 {
		t.Errorf("%d bytes were read", flood.read)
	}
}

var spaces = strings.Repeat(" ", 1<<16)

// endless is space without an end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, spaces)
	e.read += n
	return n, nil
}

func TestUpsert_Canceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeForge{kind: forge.GitHub, faults: slices.Repeat([]fault{{status: 503}}, 20)}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := f.open(t).Upsert(ctx, body("1 commit"), create); !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v", err)
		}
		if took := time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// TestUpsert_BadBody sends nothing that cannot be posted or found again.
func TestUpsert_BadBody(t *testing.T) {
	tests := []struct {
		name, body string
		number     int
		want       error
	}{
		{"too long", body(strings.Repeat("x", 65_536)), 7, forge.ErrTooLong},
		{"no marker", "### 1 commit\n", 7, apiclient.ErrConfig},
		{"empty", "", 7, apiclient.ErrConfig},
		{"no pull request", body("1 commit"), 0, apiclient.ErrConfig},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := &fakeForge{kind: forge.GitHub}
			forge := f.open(t, func(c *forge.Config) { c.PullRequest = test.number })
			if _, err := forge.Upsert(t.Context(), test.body, create); !errors.Is(err, test.want) {
				t.Errorf("error = %v, want %v", err, test.want)
			}
			if len(f.asked) > 0 {
				t.Errorf("requests: %v", f.asked)
			}
		})
	}
}

// TestUpsert_LongestBody posts exactly what GitHub takes.
func TestUpsert_LongestBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeForge{kind: forge.GitHub, limit: 65_536}
		text := body("")
		text += strings.Repeat("字", 65_536-len([]rune(text)))
		if got := mustUpsert(t, f.open(t), text, create); got != forge.ActionCreated {
			t.Errorf("action = %s", got)
		}
	})
}
