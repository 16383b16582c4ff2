// Command goclient asks a daemon for everything that its description has, with a client that
// is generated from it. TestGoClient generates package api.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/wedatasync/wedatasync/ci/clients/testdata/goclient/api"
)

func main() {
	if err := ask(context.Background(), os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func ask(ctx context.Context, server, token string) error {
	c, err := api.NewClientWithResponses(server)
	if err != nil {
		return err
	}
	status, err := c.StatusWithResponse(ctx)
	if err != nil {
		return err
	}
	fmt.Println("outcome", *status.JSON200.Outcome == api.StatusOutcomeDone, "tasks", status.JSON200.Plan.Tasks, "in sync", status.JSON200.Plan.States["in-sync"])
	for _, call := range status.JSON200.Calls {
		fmt.Println("call", call.Class == api.ClassApplied, call.RequestId != nil)
	}

	plan, err := c.PlanWithResponse(ctx, &api.PlanParams{})
	if err != nil {
		return err
	}
	fmt.Println("plan", plan.JSON200.FormatVersion, len(plan.JSON200.Changes), plan.JSON200.Summary.Unchanged)

	newest, err := c.ReleaseWithResponse(ctx, "newest")
	if err != nil {
		return err
	}
	fmt.Println("release", newest.JSON200.Outcome == api.ReleaseOutcomeDone, newest.JSON200.Commits, len(*newest.JSON200.Tasks))
	limit := 1
	releases, err := c.ReleasesWithResponse(ctx, &api.ReleasesParams{Limit: &limit})
	if err != nil {
		return err
	}
	fmt.Println("releases", len(releases.JSON200.Releases))
	none, err := c.ReleaseWithResponse(ctx, "none")
	if err != nil {
		return err
	}
	fmt.Println("no release", none.ApplicationproblemJSON404.Title)

	history, err := c.HistoryWithResponse(ctx, &api.HistoryParams{Limit: &limit})
	if err != nil {
		return err
	}
	fmt.Println("history", len(history.JSON200.Events), history.JSON200.NextBefore != nil)
	state, err := c.StateWithResponse(ctx, nil)
	if err != nil {
		return err
	}
	fmt.Println("state", len(state.JSON200.Records), state.JSON200.Records[0].Status == api.RecordStatusApplied)

	command := api.Command{Verb: api.Sync}
	refused, err := c.SubmitCommandWithResponse(ctx, command)
	if err != nil {
		return err
	}
	fmt.Println("without a token", refused.ApplicationproblemJSON401.Status)
	done, err := c.SubmitCommandWithResponse(ctx, command, func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Println("with one", done.JSON200.Ok)
	hook, err := c.WebhookWithResponse(ctx, api.Github, nil)
	if err != nil {
		return err
	}
	fmt.Println("webhook", hook.ApplicationproblemJSON404.Status)
	return nil
}
