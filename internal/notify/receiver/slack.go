package receiver

import (
	"context"
	"net/http"
	"strings"
)

func sendSlack(ctx context.Context, m Message) (*http.Request, error) {
	return m.post(ctx, map[string]any{"text": m.Text, "mrkdwn": false, "unfurl_links": false, "unfurl_media": false})
}

// slackText escapes what Slack reads as a link or a mention.
func slackText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
