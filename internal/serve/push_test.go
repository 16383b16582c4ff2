package serve_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/servetest"
)

// TestWebhooksOfOtherBranches ask for nothing. Whatever does not name a branch for certain
// asks for a poll.
func TestWebhooksOfOtherBranches(t *testing.T) {
	const newCommit = "0123456789abcdef0123456789abcdef01234567"
	push := func(ref, after string) string {
		return fmt.Sprintf(`{"object_kind": "push", "before": "%040d", "after": %q, "ref": %q, "commits": []}`, 7, after, ref)
	}
	long := `{"repository": {"text": "` + strings.Repeat("x", 100<<10) + `"}, `
	for name, tt := range map[string]struct {
		body string
		want int64
	}{
		"our branch":               {push("refs/heads/main", newCommit), 1},
		"our branch, as it is":     {push("refs/heads/main", servetest.Revision), 0},
		"another branch":           {push("refs/heads/main-2", newCommit), 0},
		"a branch of that name":    {push("refs/heads/feature/main", newCommit), 0},
		"a tag":                    {push("refs/tags/main", newCommit), 1},
		"our branch is gone":       {push("refs/heads/main", strings.Repeat("0", 40)), 1},
		"another branch is gone":   {push("refs/heads/other", strings.Repeat("0", 40)), 1},
		"no commit":                {`{"ref": "refs/heads/other"}`, 1},
		"another event":            {`{"action": "opened", "pull_request": {"ref": "refs/heads/other", "after": "` + newCommit + `"}}`, 1},
		"a branch that is created": {`{"ref": "other", "ref_type": "branch", "after": "` + newCommit + `"}`, 1},
		"no text":                  {`{"ref": ["refs/heads/other"], "after": "` + newCommit + `"}`, 1},
		"a form":                   {"payload=%7B%22ref%22%3A%22refs%2Fheads%2Fother%22%7D", 1},
		"nothing":                  {"", 1},
		"half":                     {`{"ref": "refs/heads/oth`, 1},
		"too late":                 {long + push("refs/heads/other", newCommit)[1:], 1},
	} {
		for _, forge := range []string{"github", "gitlab", "gitea"} {
			t.Run(name+", "+forge, func(t *testing.T) {
				d := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now()))
				var polls int64
				d.Config.Trigger = func() { polls++ }
				file := servetest.SecretFile(t, newSecret)
				d.Config.Webhooks = serve.Webhooks{GitHub: file, GitLab: file, Gitea: file}
				d.Config.Source.Branch = "main"
				signature := sign(newSecret, []byte(tt.body))
				w := hook(d.Serve(t), "/webhook/"+forge, strings.NewReader(tt.body),
					"X-Hub-Signature-256", "sha256="+signature, "X-Gitea-Signature", signature, "X-Gitlab-Token", newSecret)
				if w.Code != http.StatusAccepted || polls != tt.want {
					t.Errorf("%d after %d polls, want %d after %d", w.Code, polls, http.StatusAccepted, tt.want)
				}
			})
		}
	}
}
