package receiver

import (
	"context"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/apiclient"
)

// MinWebhookKey is how long a key has to be, in bytes (Standard Webhooks 1.0).
const MinWebhookKey = 24

// WebhookKey returns the bytes of a key: of whsec_ and Base64, as the standard
// writes them, or as they are.
func WebhookKey(key string) string {
	if text, ok := strings.CutPrefix(key, "whsec_"); ok {
		if raw, err := base64.StdEncoding.DecodeString(text); err == nil {
			return string(raw)
		}
	}
	return key
}

// sendWebhook signs the id, the time and the body (Standard Webhooks 1.0). The id
// stays the same when the event is sent again, so that a receiver can tell.
func sendWebhook(ctx context.Context, m Message) (*http.Request, error) {
	timestamp := strconv.FormatInt(m.Now.Unix(), 10)
	req, err := apiclient.NewRequest(ctx, http.MethodPost, m.URL.String(), m.Body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Webhook-Id", m.ID)
	req.Header.Set("Webhook-Timestamp", timestamp)
	req.Header.Set("Webhook-Signature", "v1,"+sum(WebhookKey(m.Key), m.ID+"."+timestamp+"."+string(m.Body)))
	return req, nil
}
