package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// onPullRequest are the options of a comment in CI.
func onPullRequest(limit int) report.MarkdownOptions {
	return report.MarkdownOptions{
		Key: "prod", Limit: limit, LinkBase: linkBase, PullRequest: true,
		Commit: "4837b3f5c8704837b3f5c8704837b3f5c8704837", CommitURL: linkBase + "/commit/4837b3f5c8704837b3f5c8704837b3f5c8704837",
		RunURL: linkBase + "/actions/runs/17",
	}
}

// TestPullRequest shows a comment with names, what the versions are, which commits wait for
// others, the next step, and the links to the commit and the run.
func TestPullRequest(t *testing.T) {
	wait := func(c plan.Change, on ...string) plan.Change {
		for _, id := range on {
			c.Want.DependsOn = append(c.Want.DependsOn, spec.Key{ProjectID: project, TaskID: id})
		}
		c.Want.Name = "sync of " + c.Key.TaskID
		c.Want.VersionDesc = "adds a | column of <b>" + c.Key.TaskID + "</b>"
		return c
	}
	p := planOf(
		wait(next("orders", spec.Resume, 1, 2, field("eventDesc", "a", "b")), "users", "clicks", "elsewhere"),
		wait(next("users", spec.Resume, 3, 4), "clicks"),
		wait(first("clicks", spec.Start, 1)),
	)
	golden(t, "comment", []output{{"comment.md", report.Markdown(p, onPullRequest(0))}})
}

// TestPullRequestOfEverySituation reads every comment of a pull request back, and finds who
// can take the next step.
func TestPullRequestOfEverySituation(t *testing.T) {
	for _, s := range situations() {
		for _, limit := range []int{0, 1_000, 3_000} {
			t.Run(fmt.Sprintf("%s/%d", s.name, limit), func(t *testing.T) {
				body := report.Markdown(s.plan, onPullRequest(limit))
				checkBody(t, body, limit)
				quiet := strings.Contains(string(body), ": nothing to do")
				if next := strings.Contains(string(body), "**Next step:** "); next == quiet {
					t.Errorf("the next step is there: %v\n%s", next, body)
				}
			})
		}
	}
}

// TestPullRequestLinks makes no link of an address that would end it, or lead elsewhere.
func TestPullRequestLinks(t *testing.T) {
	for _, address := range []string{"", "javascript:alert(1)", "https://a/b) [x](https://evil.example", "https://ada:pw@git.example/", "https://a/<b>", "//a", "https://a/\nb", `https://a/"b`} {
		o := onPullRequest(0)
		o.CommitURL, o.RunURL = address, address
		body := string(report.Markdown(planOf(first("clicks", spec.Start, 1)), o))
		if strings.Contains(body, "this [run]") || strings.Contains(body, "[`4837b3f5c870`]") {
			t.Errorf("%q became a link:\n%s", address, body)
		}
	}
}
